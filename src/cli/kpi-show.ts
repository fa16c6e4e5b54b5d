/** `plumbline kpi show`: everything about one KPI. Enters: a Kpi and its status; leaves: a page of text or JSON. */
import { describeFormula } from '../kpi/formula-text.js';
import type { KpiRow } from '../kpi/kpi-reader.js';
import type { GroupLabel, Kpi } from '../model/kpi.js';
import { objectiveOf } from '../model/service-level.js';
import type { KpiVersion } from './kpi-history.js';
import { placeOf } from './kpi-session.js';
import { chooseRows, rowAsJson, showStatusTable } from './kpi-status.js';
import {
  isoTime,
  lines,
  shareText,
  targetText,
  thresholdText,
  timeText,
  toJson,
  valueText,
  windowText,
} from './kpi-texts.js';
import { clean, paint, type Terminal } from './terminal-table.js';
import { padEndTo, textWidth, wrapBehind } from './terminal-width.js';

export interface ShowReport {
  kpi: Kpi;
  versions: readonly KpiVersion[];
  endS: number;
  limit: number;
  /** The status of all together and of groups, or why it cannot be read. */
  status: { read: KpiRow[]; error?: never } | { error: string; read?: never };
}

const LABEL_CHARS = 12;
const FALLBACK =
  '* fallback: gives groups of a service only where no source above it has data of that service.';

export function showKpi(report: ShowReport, terminal: Terminal): string {
  const { kpi, endS, status, limit } = report;
  const heading = (text: string) => paint(text, 'bold', terminal);
  const facts = factsOf(report)
    .filter(([, text]) => text !== '')
    .flatMap(([label, text]) => {
      const name = label!.padEnd(LABEL_CHARS);
      const [first, ...others] = wrapBehind(`  ${name}`, clean(text!), terminal.columns);
      return [first!.replace(name, () => paint(name, 'dim', terminal)), ...others];
    });
  const choice = { byGroup: true, failing: false, limit };
  const answer =
    status.error === undefined
      ? { kpi, read: chooseRows(kpi, status.read, choice) }
      : { kpi, error: status.error };
  return lines(
    `${heading(kpi.name)}  ${clean(kpi.title)}`,
    kpi.description === ''
      ? []
      : wrapBehind('', clean(kpi.description.trim().replaceAll(/\s+/g, ' ')), terminal.columns),
    '',
    facts,
    '',
    heading('How it is measured'),
    sourceLines(kpi, terminal),
    kpi.alerts.length === 0 ? [] : ['', heading('Alerts'), ...alertLines(kpi, terminal)],
    '',
    heading(`Status at ${timeText(endS)}`),
    showStatusTable(answer, terminal),
    '',
    heading('In SQL'),
    `  SELECT * FROM kpi_${kpi.name}_status(at_time = now())`,
    `  SELECT * FROM kpi_${kpi.name}(start_time = toStartOfHour(now()) - INTERVAL 1 DAY, end_time = now(), step_s = 3600)`,
  );
}

function factsOf({ kpi, versions }: ShowReport): string[][] {
  const slo = objectiveOf(kpi);
  const newest = versions.at(-1);
  const conditions = [
    kpi.samplesMin > 1 ? `at least ${kpi.samplesMin} samples` : '',
    `${shareText(kpi.completenessMin)} of it measured`,
    `newest point no older than ${windowText(kpi.staleAfterS)}`,
  ].filter((text) => text !== '');
  const valid = [kpi.validMin, kpi.validMax].map((value) =>
    value === undefined ? '' : valueText(kpi, value),
  );
  return [
    ['category', placeOf(kpi)],
    ['owner', kpi.owner],
    ['unit', `${kpi.unit}, ${kpi.direction === 'lower_is_better' ? 'lower' : 'higher'} is better`],
    ['target', targetText(kpi, kpi.target)],
    ['warning', thresholdText(kpi, kpi.warning)],
    ['critical', thresholdText(kpi, kpi.critical)],
    ['window', `${windowText(kpi.windowS)}; else unknown: ${conditions.join(', ')}`],
    ['valid', valid.join('') === '' ? '' : `${valid[0] || 'any'} to ${valid[1] || 'any'}`],
    ['groups', kpi.groupBy.map(labelText).join(', ')],
    ['SLO', slo ? `${shareText(slo.objective)} of events good in ${windowText(slo.windowS)}` : ''],
    ['runbook', kpi.runbook],
    ['tags', kpi.tags.join(', ')],
    [
      'in force',
      newest
        ? `since ${timeText(newest.validFromMs / 1000)}, version ${versions.length} of its definition`
        : '',
    ],
  ];
}

function labelText({ label, attributes }: GroupLabel): string {
  return attributes.length === 1 && attributes[0] === label
    ? label
    : `${label} (${attributes.join(', else ')})`;
}

function sourceLines(kpi: Kpi, { columns }: Terminal): string[] {
  const width = Math.max(...kpi.sources.map(({ name }) => textWidth(name)));
  const digits = String(kpi.sources.length).length;
  const texts = kpi.sources.flatMap(({ name, formula, isFallback }, i) => {
    const place = `  ${String(i + 1).padStart(digits)}${isFallback ? '*' : ' '} ${padEndTo(clean(name), width)}  `;
    return wrapBehind(place, clean(describeFormula(formula)), columns);
  });
  return [
    ...texts,
    ...(kpi.sources.length > 1
      ? wrapBehind('  ', 'The first that has data counts, for each group and step.', columns)
      : []),
    ...(kpi.sources.some(({ isFallback }) => isFallback) ? wrapBehind('  ', FALLBACK, columns) : []),
  ];
}

function alertLines(kpi: Kpi, { columns }: Terminal): string[] {
  return kpi.alerts.flatMap(({ name, level, threshold, severity, notify, forS, message }) => {
    const at = thresholdText(kpi, threshold ?? kpi[level]);
    const lasting = forS > 0 ? ` for ${windowText(forS)}` : '';
    const text = `${name}: ${level} ${at}${lasting}: severity ${severity}, to ${notify.join(', ')}: ${message}`;
    return wrapBehind('  ', clean(text), columns);
  });
}

export function kpiAsJson({ kpi, versions, endS, status }: ShowReport, sql: string | undefined): string {
  const { file: _file, line: _line, ...definition } = kpi;
  return toJson({
    ...definition,
    sources: kpi.sources.map((source) => ({ ...source, inWords: describeFormula(source.formula) })),
    slo: objectiveOf(kpi),
    versions: versions.map(({ validFromMs, active, changes }) => ({
      validFrom: isoTime(validFromMs / 1000),
      active,
      changes,
    })),
    status: {
      at: isoTime(endS),
      error: status.error,
      rows: (status.read ?? []).map((row) => rowAsJson(kpi, row)),
    },
    ...(sql !== undefined && { sql }),
  });
}
