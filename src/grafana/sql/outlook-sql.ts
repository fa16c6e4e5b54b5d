/**
 * What a KPI's history says of its values: which are out of the ordinary, and what is to come. Enters: a Kpi; leaves: SELECTs
 * that reckon in ClickHouse (seasonal-trend decomposition, Tukey's fences, a straight line through the latest trend). Short
 * histories give wide answers, never errors.
 */
import type { Kpi } from '../../model/kpi.js';
import { stepsView } from './kpi-sql.js';
import { lines, START_S, STEP_S, TO_S } from './sql-text.js';

/** History before the range that says what is ordinary. */
const ORDINARY_S = 3 * 86_400;
/** Below it a decomposition has nothing to go by. */
const VALUES_MIN = 4;

/** Values as one array per column, gaps filled with the value before them. */
function historySql(database: string, kpi: Kpi, start: string, step: string): string {
  return lines(
    'SELECT groupArray(unix_s) AS times, groupArray(v) AS values, length(values) AS n',
    'FROM (',
    '  SELECT unix_s, v FROM (',
    '    SELECT toUnixTimestamp(time) AS unix_s, assumeNotNull(value) AS v',
    `    FROM ${stepsView(database, kpi, { start, end: TO_S, step })}`,
    '    WHERE empty(group) AND isNotNull(value)',
    '  )',
    `  ORDER BY unix_s WITH FILL STEP ${step} INTERPOLATE (v AS v)`,
    ')',
  );
}

/** parts: seasonal, trend, residual, and the sum of the first two. A day is a season where two of them are known. */
function partsSql(history: string, perDay: string): string {
  return lines(
    `SELECT times, values, n, if(n >= 2 * ${perDay}, toUInt64(greatest(2, ${perDay})), 2) AS season,`,
    `  if(n >= ${VALUES_MIN}, seriesDecomposeSTL(values, season), [arrayMap(x -> 0., values), values, arrayMap(x -> 0., values), values]) AS parts`,
    `FROM (${history})`,
  );
}

/** Limits that no band goes beyond: values outside are not valid. */
function clamp(sql: string, { validMin, validMax }: Kpi): string {
  const above = validMin === undefined ? sql : `greatest(${sql}, ${validMin})`;
  return validMax === undefined ? above : `least(${above}, ${validMax})`;
}

/** Value, what was to be expected, three residual deviations around it, and the values beyond Tukey's outer fences. */
export function anomaliesSql(database: string, kpi: Kpi): string {
  const start = `intDiv(${START_S} - ${ORDINARY_S}, ${STEP_S}) * ${STEP_S}`;
  return lines(
    'SELECT',
    "  toDateTime(point.1, 'UTC') AS time,",
    '  point.2 AS value,',
    '  point.3 AS expected,',
    `  ${clamp('expected - 3 * deviation', kpi)} AS lower,`,
    `  ${clamp('expected + 3 * deviation', kpi)} AS upper,`,
    // Residuals of a value that never changes are rounding errors.
    '  if(point.4 != 0 AND abs(value - expected) > 1e-4 * abs(expected), value, NULL) AS anomaly',
    'FROM (',
    "  SELECT arrayReduce('stddevPop', parts[3]) AS deviation, arrayJoin(arrayZip(times, values, parts[4], scores)) AS point",
    '  FROM (',
    `    SELECT times, values, parts, if(n >= ${VALUES_MIN}, seriesOutliersDetectTukey(parts[3], 0.25, 0.75, 3.), arrayMap(x -> 0., values)) AS scores`,
    `    FROM (${partsSql(historySql(database, kpi, start, STEP_S), `intDiv(86400, ${STEP_S})`)})`,
    '  )',
    ')',
    `WHERE point.1 >= ${START_S}`,
    'ORDER BY time',
  );
}

const HOUR_S = 3_600;
const HISTORY_HOURS = 7 * 24;
const SHOWN_HOURS = 48;
const AHEAD_HOURS = 24;
/** The trend goes on as it went for so many hours. */
const TREND_HOURS = 48;

/** The last two days, and the next one: trend and season carried on, two residual deviations around. Hours from now. */
export function forecastSql(database: string, kpi: Kpi): string {
  const start = `intDiv(${TO_S}, ${HOUR_S}) * ${HOUR_S} - ${HISTORY_HOURS * HOUR_S}`;
  const history = historySql(database, kpi, start, String(HOUR_S));
  const line = 'if(isFinite(fit.1), fit.1, 0) * (n + ahead) + if(isFinite(fit.2), fit.2, values[n])';
  return lines(
    'SELECT point.1 AS hours, point.2 AS value, point.3 AS forecast, point.4 AS lower, point.5 AS upper',
    'FROM (',
    '  SELECT arrayJoin(arrayConcat(',
    `    arrayMap(i -> (toInt32(i) - toInt32(n), toNullable(values[i]), if(i = n, toNullable(values[i]), NULL), if(i = n, toNullable(values[i]), NULL), if(i = n, toNullable(values[i]), NULL)), arrayFilter(i -> i + ${SHOWN_HOURS} >= n, arrayEnumerate(values))),`,
    "    arrayMap((ahead, expected) -> (toInt32(ahead), CAST(NULL, 'Nullable(Float64)'), toNullable(expected),",
    `      toNullable(toFloat64(${clamp('expected - 2 * deviation', kpi)})), toNullable(toFloat64(${clamp('expected + 2 * deviation', kpi)}))), hours_ahead, expectations)`,
    '  )) AS point',
    '  FROM (',
    `    SELECT values, n, range(1, ${AHEAD_HOURS + 1}) AS hours_ahead, arrayReduce('stddevPop', parts[3]) AS deviation,`,
    `      arrayReduce('simpleLinearRegression', arrayMap(x -> toFloat64(x), arraySlice(arrayEnumerate(values), -${TREND_HOURS})), arraySlice(arrayMap(x -> toFloat64(x), parts[2]), -${TREND_HOURS})) AS fit,`,
    `      arrayMap(ahead -> toFloat64(${clamp(`${line} + parts[1][n - season + 1 + (ahead - 1) % season]`, kpi)}), hours_ahead) AS expectations`,
    `    FROM (${partsSql(history, '24')})`,
    '    WHERE n > 0',
    '  )',
    ')',
    'ORDER BY hours',
  );
}
