/**
 * Durations as the catalogue writes them: a number and one unit, `30s` to `1y`. Enters: text or seconds; leaves: the
 * other. A month and a year are UCUM's, so that `per: 1mo` and the unit {USD}/mo are the same month.
 */

const SECONDS = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800, mo: 2_629_800, y: 31_557_600 } as const;

export const DURATION_PATTERN = `^(\\d+(?:\\.\\d+)?)(${Object.keys(SECONDS).join('|')})$`;
const DURATION = new RegExp(DURATION_PATTERN);

/** Seconds, or nothing where the text is no duration. */
export function parseDuration(text: string): number | undefined {
  const [, number, unit] = DURATION.exec(text) ?? [];
  return number === undefined ? undefined : Number(number) * SECONDS[unit as keyof typeof SECONDS];
}

/** In the largest unit of which it is a whole number, weeks as days: 7d and 14d are read beside 30d, and Grafana writes them so. */
export function formatDuration(seconds: number): string {
  const units = Object.entries(SECONDS)
    .filter(([unit]) => unit !== 'w')
    .reverse();
  const [unit, size] = units.find(([, size]) => seconds >= size && Number.isInteger(seconds / size)) ?? [
    's',
    1,
  ];
  return `${seconds / size}${unit}`;
}
