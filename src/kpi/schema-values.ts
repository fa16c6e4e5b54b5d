/** Values that keys of the catalogue have, as zod schemas whose messages say what is wanted. */
import { z } from 'zod';
import { suggestName } from '../model/nearest-name.js';
import { mustBe } from '../model/schema-problems.js';
import { DURATION_PATTERN, formatDuration, parseDuration } from './duration.js';

const NAME_CHARS_MAX = 100;
const LOWER_SNAKE = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

export const text = z.string(mustBe('text')).trim().min(1, 'is empty');
export const lowerSnake = text
  .max(NAME_CHARS_MAX, `is longer than ${NAME_CHARS_MAX} characters`)
  .regex(LOWER_SNAKE, 'must be lower-case words joined by _');
export const plainNumber = z.number(mustBe("a number, in the KPI's unit"));
export const yesOrNo = z.boolean(mustBe('true or false'));

export function oneOf<const Values extends readonly string[]>(values: Values) {
  return z.enum(values, {
    error: ({ input }) => {
      if (input == null) return 'is missing';
      return `must be one of ${values.join(', ')}${suggestName(String(input), values)}`;
    },
  });
}

export function duration(minS: number, maxS: number) {
  const bounds = `from ${formatDuration(minS)} to ${formatDuration(maxS)}`;
  return z
    .string(mustBe('a duration such as 30s, 5m, 1h or 30d'))
    .superRefine((value, context) => {
      const seconds = parseDuration(value);
      const message =
        seconds === undefined
          ? `must be a duration such as 30s, 5m, 1h or 30d, not ${JSON.stringify(value)}`
          : `must be ${bounds}, not ${value}`;
      if (seconds === undefined || seconds < minS || seconds > maxS) {
        context.addIssue({ code: 'custom', message });
      }
    })
    .meta({ pattern: DURATION_PATTERN });
}

export function numberBetween(min: number, max: number, what: string) {
  return z.number(mustBe(what)).min(min, `must be ${what}`).max(max, `must be ${what}`);
}
