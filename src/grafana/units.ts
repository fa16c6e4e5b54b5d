/**
 * Units as Grafana knows them. Enters: a unit of the catalogue (UCUM) and what kind of value it is; leaves: an id of Grafana's
 * list of units, which scales values for the eye (0.182 s is shown as 182 ms). One table; the rest follows from it.
 */

const UNITS: Readonly<Record<string, string>> = {
  '%': 'percent',
  ns: 'ns',
  us: 'µs',
  ms: 'ms',
  s: 's',
  min: 'm',
  h: 'h',
  d: 'd',
  By: 'bytes',
  KiBy: 'kbytes',
  MiBy: 'mbytes',
  GiBy: 'gbytes',
  kBy: 'deckbytes',
  MBy: 'decmbytes',
  GBy: 'decgbytes',
  bit: 'bits',
  'By/s': 'binBps',
  'bit/s': 'bps',
  Hz: 'hertz',
  Cel: 'celsius',
  V: 'volt',
  A: 'amp',
  W: 'watt',
  J: 'joule',
  'kW.h': 'kwatth',
  g: 'massg',
  kg: 'masskg',
  m: 'lengthm',
  '{request}/s': 'reqps',
  '{request}/min': 'reqpm',
  '{operation}/s': 'ops',
  '{operation}/min': 'opm',
  '{read}/s': 'rps',
  '{write}/s': 'wps',
  '{io}/s': 'iops',
  '{packet}/s': 'pps',
  '{message}/s': 'mps',
  '{event}/s': 'eps',
};
/** Currencies that Grafana writes with their sign. */
const CURRENCIES = [
  'USD',
  'GBP',
  'EUR',
  'JPY',
  'CHF',
  'CZK',
  'DKK',
  'ISK',
  'NOK',
  'PLN',
  'SEK',
  'CAD',
  'CNY',
  'INR',
];

export interface UnitKind {
  unit: string;
  dataType: string;
}

export function grafanaUnit({ unit, dataType }: UnitKind): string {
  const known = UNITS[unit];
  if (known !== undefined) return known;
  if (unit === '1' || unit === '') return dataType === 'ratio' ? 'percentunit' : 'short';
  // By month or by user: the amount is what is shown, the description says of what.
  const currency = /^\{([A-Z]{3})\}/.exec(unit)?.[1];
  if (currency !== undefined)
    return CURRENCIES.includes(currency) ? `currency${currency}` : `prefix:${currency} `;
  if (/^\{[^}]*\}\/s$/.test(unit)) return 'cps';
  if (/^\{[^}]*\}\/min$/.test(unit)) return 'cpm';
  if (/^\{[^}]*\}$/.test(unit)) return 'short';
  return `suffix: ${unit.replaceAll(/[{}]/g, '')}`;
}

/** Digits behind the point that tell 99.95 % from 99.9 %; undefined: as many as Grafana likes. */
export function decimalsOf({
  unit,
  target,
}: {
  unit: string;
  target: number | undefined;
}): number | undefined {
  const isFine = unit === '%' && target !== undefined && target > 99 && target < 100;
  return isFine ? 3 : undefined;
}
