/** One thing has one word, whoever says it. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { statusCell, statusWord, windowText } from '../../src/cli/kpi-texts.js';
import { durationText } from '../../src/grafana/kpi-texts.js';
import { STATUS_WORDS } from '../../src/model/status-words.js';

const dashboards = new URL('../../grafana/dashboards', import.meta.url).pathname;
const DAY_S = 86_400;

describe('words', () => {
  it('of a status are the same on the command line and in Grafana', () => {
    const mapped = new Set<string>();
    for (const name of readdirSync(dashboards))
      for (const [, status, text] of readFileSync(join(dashboards, name), 'utf8').matchAll(
        /"(on_target|warning|critical|unknown)": \{\s*"color": "[^"]*",\s*"index": \d+,\s*"text": "([^"]*)"/g,
      ))
        mapped.add(`${status}: ${text}`);
    const words = Object.entries(STATUS_WORDS).map(([status, text]) => `${status}: ${text}`);
    expect([...mapped].sort()).toEqual(words.sort());
    for (const status of ['on_target', 'warning', 'critical', 'unknown'] as const) {
      expect(statusWord(status)).toBe(STATUS_WORDS[status]);
      expect(statusCell(status).text.slice(2)).toBe(STATUS_WORDS[status]);
    }
  });

  it.each([60, 300, 3_600, DAY_S, 7 * DAY_S, 14 * DAY_S, 30 * DAY_S, 90 * DAY_S, 366 * DAY_S])(
    'of %d seconds are the same on the command line and in Grafana',
    (seconds) => {
      expect(windowText(seconds)).toBe(durationText(seconds));
    },
  );
});
