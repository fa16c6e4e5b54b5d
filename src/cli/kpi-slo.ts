/**
 * `plumbline kpi slo`: error budgets and burn rates of KPIs that count events, attainment of the others. Enters: a KpiReader;
 * leaves: two tables or JSON.
 */
import { type Attainment, distanceToTarget, measureAttainment } from '../kpi/attainment.js';
import type { KpiReader, KpiRow } from '../kpi/kpi-reader.js';
import { type Burn, readSlo, type Slo, type SloState } from '../kpi/slo.js';
import type { Kpi } from '../model/kpi.js';
import { objectiveOf } from '../model/service-level.js';
import { formatNumber } from '../model/value-text.js';
import { type GroupFilter, matchesGroup } from './kpi-options.js';
import type { Answer } from './kpi-session.js';
import {
  countText,
  distanceCell,
  isoTime,
  lines,
  nameText,
  note,
  shareText,
  statusCell,
  targetText,
  timeText,
  toJson,
  valueText,
  windowText,
} from './kpi-texts.js';
import { type Cell, type Column, paint, renderTable, type Style, type Terminal } from './terminal-table.js';

export interface SloChoice {
  group?: GroupFilter;
  byGroup: boolean;
  /** Instead of the KPI's own SLO window. */
  windowS: number | undefined;
  /** Step of attainment; undefined: by the length of the window. */
  stepS: number | undefined;
  limit: number;
}

export interface Kept {
  group: KpiRow['group'];
  periodS: number;
  stepS: number;
  value: number | undefined;
  target: number | undefined;
  distance: number | undefined;
  attainment: Attainment;
}

export type SloAnswer = { slos: Slo[]; kept?: never } | { kept: Kept[]; slos?: never };

const HOUR_S = 3_600;
const STEPS_MAX = 1_500;
const MINUTE_S = 60;

export async function readSloAnswer(
  kpi: Kpi,
  reader: KpiReader,
  endS: number,
  choice: SloChoice,
): Promise<SloAnswer> {
  const objective = objectiveOf(kpi, choice.windowS);
  const isWanted = ({ group }: { group: KpiRow['group'] }) =>
    choice.group === undefined ? choice.byGroup || group === undefined : matchesGroup(group, choice.group);
  const most = choice.limit + 1;
  if (objective !== undefined) {
    const slos = await readSlo(kpi, objective, reader, endS);
    return { slos: slos.filter(isWanted).sort(worstBudgetFirst).slice(0, most) };
  }
  const periodS = choice.windowS ?? kpi.sloWindowS;
  const stepS = choice.stepS ?? chooseStep(periodS);
  const startS = Math.floor((endS - periodS) / stepS) * stepS;
  const now = await reader.readStatus(kpi, endS);
  const steps = await reader.readSteps(kpi, { startS, endS, slotS: stepS });
  const kept = now.filter(isWanted).map(({ group, value, target }): Kept => {
    const own = steps.filter((row) => isSameGroup(row.group, group));
    const distance = distanceToTarget(value, target, kpi.direction);
    return {
      group,
      periodS,
      stepS,
      value,
      target,
      distance,
      attainment: measureAttainment(own, kpi.direction),
    };
  });
  return { kept: kept.slice(0, most) };
}

/** The shortest of minute, hour and day that gives no more steps than a person can use. */
function chooseStep(periodS: number): number {
  return [MINUTE_S, HOUR_S].find((stepS) => periodS / stepS <= STEPS_MAX) ?? 24 * HOUR_S;
}

function isSameGroup(a: KpiRow['group'], b: KpiRow['group']): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}

function worstBudgetFirst(a: Slo, b: Slo): number {
  if (a.group === undefined || b.group === undefined) return a.group === undefined ? -1 : 1;
  return (a.budgetLeft ?? 1) - (b.budgetLeft ?? 1);
}

const STATES: Readonly<Record<SloState, { text: string; style: Style }>> = {
  on_target: statusCell('on_target'),
  ticket: { text: '▲ burns: ticket', style: 'yellow' },
  page: { text: '✖ burns: page', style: 'red' },
  spent: { text: '✖ budget spent', style: 'red' },
  no_data: { text: '? no events', style: 'dim' },
};

const SLO_COLUMNS: readonly Column[] = [
  { title: 'state' },
  { title: 'KPI', isFlexible: true },
  { title: 'objective', align: 'right', leavesAs: 7 },
  { title: 'achieved', align: 'right' },
  { title: 'in', align: 'right' },
  { title: 'events', align: 'right', leavesAs: 5 },
  { title: 'bad', align: 'right', leavesAs: 6 },
  { title: 'budget left', align: 'right' },
  { title: 'burns 1h/5m', align: 'right', leavesAs: 4 },
  { title: '6h/30m', align: 'right', leavesAs: 3 },
  { title: '1d/2h', align: 'right', leavesAs: 2 },
  { title: '3d/6h', align: 'right', leavesAs: 1 },
];
/** Long windows of the last four columns. */
const BURN_COLUMNS = [HOUR_S, 6 * HOUR_S, 24 * HOUR_S, 72 * HOUR_S];

const KEPT_COLUMNS: readonly Column[] = [
  { title: 'KPI', isFlexible: true },
  { title: 'value', align: 'right' },
  { title: 'target', align: 'right' },
  { title: 'to target', align: 'right' },
  { title: 'steps on target', align: 'right' },
  { title: 'samples on target', align: 'right', leavesAs: 2 },
  { title: 'steps', align: 'right', leavesAs: 1 },
  { title: 'in', align: 'right' },
  { title: '', goesBelow: true },
];

/** `others`: how many KPIs count no events and were not asked for. */
export function showSlos(
  answers: readonly Answer<SloAnswer>[],
  { endS, others }: { endS: number; others: number },
  terminal: Terminal,
): string {
  const slos = answers.flatMap(({ kpi, read }) =>
    (read?.slos ?? []).map((slo, i) => sloCells(kpi, slo, i === 0)),
  );
  const kept = answers.flatMap(({ kpi, read }) =>
    (read?.kept ?? []).map((each, i) => keptCells(kpi, each, i === 0)),
  );
  const errors = answers.flatMap(({ kpi, error }) =>
    error === undefined
      ? []
      : [paint(`${statusCell('error').text}  ${kpi.name}  ${error}`, 'magenta', terminal)],
  );
  const sections: string[] = [note(`At ${timeText(endS)}`, terminal)];
  const heading = (text: string) => sections.push('', paint(text, 'bold', terminal));
  if (slos.length > 0) {
    heading('Error budgets');
    sections.push(...renderTable(SLO_COLUMNS, slos, terminal));
    if (answers.some(({ read }) => read?.slos?.some(({ burns }) => burns.length > 0)))
      sections.push(note(BURN_NOTE, terminal));
  }
  if (kept.length > 0) {
    heading('Time on target');
    sections.push(...renderTable(KEPT_COLUMNS, kept, terminal));
  }
  if (errors.length > 0) sections.push('', ...errors);
  if (others > 0) {
    const how = 'name them, or a --category, to see their time on target';
    sections.push(
      '',
      note(`${others} more ${others === 1 ? 'KPI counts' : 'KPIs count'} no events: ${how}.`, terminal),
    );
  }
  return lines(sections);
}

const BURN_NOTE =
  'Burns: 1 spends the whole budget in just the window. ! = both windows are above the rate at which to act (docs/kpis.md).';

function sloCells(kpi: Kpi, slo: Slo, isFirst: boolean): Cell[] {
  const burns = BURN_COLUMNS.map((longS) => burnCell(slo.burns.find((burn) => burn.longS === longS)));
  return [
    STATES[slo.state],
    nameText(kpi, slo.group, isFirst),
    shareText(slo.objective),
    slo.achieved === undefined ? '' : { text: shareText(slo.achieved), style: 'bold' },
    windowText(slo.windowS),
    countText(slo.total),
    countText(slo.bad),
    budgetCell(slo.budgetLeft),
    ...burns,
  ];
}

function budgetCell(left: number | undefined): Cell {
  if (left === undefined) return '';
  return { text: shareText(left), style: left <= 0 ? 'red' : left < 0.25 ? 'yellow' : 'green' };
}

function burnCell(burn: Burn | undefined): Cell {
  if (burn === undefined) return '';
  const show = (rate: number | undefined) => (rate === undefined ? '–' : formatNumber(rate));
  const text = `${show(burn.longRate)}/${show(burn.shortRate)}`;
  return burn.isBurning ? { text: `${text} !`, style: burn.action === 'page' ? 'red' : 'yellow' } : text;
}

function keptCells(kpi: Kpi, kept: Kept, isFirst: boolean): Cell[] {
  const { attainment, value, target, distance, periodS } = kept;
  return [
    nameText(kpi, kept.group, isFirst),
    { text: valueText(kpi, value), style: 'bold' },
    targetText(kpi, target),
    distanceCell(distance),
    shareText(attainment.bySteps),
    shareText(attainment.bySamples),
    countText(attainment.stepsMeasured),
    windowText(periodS),
    target === undefined ? 'has no target' : attainment.stepsMeasured === 0 ? 'nothing to judge' : '',
  ];
}

export function slosAsJson(answers: readonly Answer<SloAnswer>[], endS: number): string {
  return toJson({
    at: isoTime(endS),
    kpis: answers.map(({ kpi, read, error }) => ({
      name: kpi.name,
      unit: kpi.unit,
      direction: kpi.direction,
      error,
      slos: read?.slos,
      attainment: read?.kept,
    })),
  });
}
