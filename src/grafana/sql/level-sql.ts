/**
 * Error budgets in SQL: how fast they burn, and what is left. Enters: a Kpi that counts events, and its objective; leaves:
 * SELECTs over its view's `good` and `total`. What an objective is stands in model/service-level.ts.
 */
import type { Kpi } from '../../model/kpi.js';
import type { Objective } from '../../model/service-level.js';
import { durationText } from '../kpi-texts.js';
import { stepsView } from './kpi-sql.js';
import { lines, START_S, STEP_S, TO_S } from './sql-text.js';

/** A part that arrives before its whole may be the larger one for a moment. */
const BAD = 'greatest(0., total - good)';
const DAY_S = 86_400;

/** 1 - 0.999 is not quite 0.001 in doubles. */
function shareText(share: number): string {
  return String(Number(share.toPrecision(12)));
}

/** Burn rates over windows that end at each step: 1 spends just the budget in the SLO window. */
export function burnSql(
  database: string,
  kpi: Kpi,
  { objective }: Objective,
  windowsS: readonly number[],
): string {
  const start = `intDiv(${START_S} - ${Math.max(...windowsS)}, ${STEP_S}) * ${STEP_S}`;
  const name = (windowS: number) => `w${windowS}`;
  const rate = (windowS: number) =>
    `  sum(bad) OVER ${name(windowS)} / nullIf(sum(total) OVER ${name(windowS)}, 0) / ${shareText(1 - objective)} AS \`${durationText(windowS)}\``;
  const window = (windowS: number) =>
    `  ${name(windowS)} AS (ORDER BY unix_s RANGE BETWEEN ${windowS - 1} PRECEDING AND CURRENT ROW)`;
  return lines(
    `SELECT time, ${windowsS.map((windowS) => `\`${durationText(windowS)}\``).join(', ')}`,
    'FROM (',
    '  SELECT time, unix_s,',
    windowsS.map(rate).join(',\n'),
    '  FROM (',
    `    SELECT time, toUnixTimestamp(time) AS unix_s, ${BAD} AS bad, total`,
    `    FROM ${stepsView(database, kpi, { start, end: TO_S, step: STEP_S })}`,
    '    WHERE empty(group)',
    '  )',
    '  WINDOW',
    windowsS.map(window).join(',\n'),
    ')',
    `WHERE unix_s >= ${START_S}`,
    'ORDER BY time',
  );
}

/** The SLO window that ends with the range, day by day: one row. */
export function budgetSql(database: string, kpi: Kpi, { objective, windowS }: Objective): string {
  const start = `intDiv(${TO_S} - ${windowS}, ${DAY_S}) * ${DAY_S}`;
  return lines(
    'SELECT',
    `  1 - sum(bad_events) / nullIf(${shareText(1 - objective)} * sum(total), 0) AS \`budget left\`,`,
    '  1 - sum(bad_events) / nullIf(sum(total), 0) AS achieved,',
    `  ${objective} AS objective,`,
    '  sum(bad_events) AS bad,',
    '  sum(total) AS events',
    'FROM (',
    `  SELECT ${BAD} AS bad_events, total`,
    `  FROM ${stepsView(database, kpi, { start, end: TO_S, step: String(DAY_S) })}`,
    '  WHERE empty(group)',
    ')',
  );
}
