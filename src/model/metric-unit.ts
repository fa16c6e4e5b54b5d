/**
 * The unit of a metric: what its sender said, or else what its name says, as Prometheus and the tools around it name metrics
 * (https://prometheus.io/docs/practices/naming/, and the names that OpenTelemetry metrics get there). Enters: name and unit
 * as they were sent; leaves: a Unit. Once per series, never per point.
 */
import { parseUnit, type Unit } from './unit.js';
import { isUnset } from './unit-spellings.js';

/** Words for units at the end of a name. */
const WORDS = new Map([
  ['seconds', 's'],
  ['milliseconds', 'ms'],
  ['microseconds', 'us'],
  ['nanoseconds', 'ns'],
  ['minutes', 'min'],
  ['hours', 'h'],
  ['days', 'd'],
  ['bytes', 'By'],
  ['kibibytes', 'KiBy'],
  ['mebibytes', 'MiBy'],
  ['gibibytes', 'GiBy'],
  ['tebibytes', 'TiBy'],
  ['kilobytes', 'kBy'],
  ['megabytes', 'MBy'],
  ['gigabytes', 'GBy'],
  ['terabytes', 'TBy'],
  ['ratio', '1'],
  ['percent', '%'],
  ['celsius', 'Cel'],
  ['hertz', 'Hz'],
  ['volts', 'V'],
  ['amperes', 'A'],
  ['watts', 'W'],
  ['joules', 'J'],
  ['grams', 'g'],
  ['meters', 'm'],
]);

/**
 * Names that end in no unit and are documented to have one: durations of Envoy
 * (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/stats) and of Grafana Tempo's span metrics.
 */
const DOCUMENTED: readonly (readonly [name: RegExp, code: string])[] = [
  [/^envoy_\w+_rq_time$/, 'ms'],
  [/^traces_spanmetrics_latency$/, 's'],
];

/**
 * The last word, before what says how it is counted: a total, a sum or a maximum has the unit of what is measured;
 * `_count` and `_bucket` are numbers of events and have none. No unit is a word behind a number (`active_users_30_days`) or
 * behind `per`.
 */
const LAST_WORD = /(?<!\d|_per)_(?<word>[a-z]+?)(?:_(?:total|sum|max))?$/;

/**
 * What the values of a metric are measured in.
 *
 * @returns the unit that was sent; where none was, that of the name, with status `name`; where that says nothing either, the
 * unit that was sent, with status `unknown`.
 */
export function readMetricUnit(metricName: string, unit: string): Unit {
  const sent = parseUnit(unit);
  if (!isUnset(unit)) return sent;
  const code =
    WORDS.get(LAST_WORD.exec(metricName)?.groups?.word ?? '') ??
    DOCUMENTED.find(([name]) => name.test(metricName))?.[1];
  return code === undefined ? sent : { ...parseUnit(code), text: unit, status: 'name' };
}
