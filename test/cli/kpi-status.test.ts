/** What `plumbline kpi status` prints on terminals of several widths, of the built-in KPIs. */
import stringWidth from 'string-width';
import { describe, expect, it } from 'vitest';
import { builtInCatalogue, defaultTaxonomyFile } from '../../src/catalogue-paths.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { chooseRows, showStatus } from '../../src/cli/kpi-status.js';
import type { KpiRow } from '../../src/kpi/kpi-reader.js';
import { loadCatalogue } from '../../src/kpi/load-catalogue.js';
import type { Kpi } from '../../src/model/kpi.js';

const { categories } = await loadTaxonomy(defaultTaxonomyFile());
const { kpis } = await loadCatalogue({ folders: [builtInCatalogue()], categories });
const CHOICE = { byGroup: true, failing: false, limit: 20 };
const STATUSES = ['on_target', 'warning', 'critical', 'unknown'] as const;
const REASONS = ['meets target 2 s', 'misses target 2 s', 'at or above critical 3 s'];
const SLOW = 'only 12 % of the window is measured, which is less than the 50 % that the KPI asks for';
const GROUPS: readonly string[] = ['checkout', '東京の支払いサービス', 'Zu\u0308rich', 'a'.repeat(90)];

function rowsOf(kpi: Kpi, k: number): KpiRow[] {
  const row = (group: Record<string, string> | undefined, n: number): KpiRow => ({
    timeS: 0,
    group,
    value: 12_345.678 / (n + 1),
    status: STATUSES[n % 4]!,
    reason: [...REASONS, SLOW][n % 4]!,
    source: 'recorder',
    samples: 1_234_567,
    completeness: 1 / 3,
    ageS: 23,
    resets: 0,
    points: 10,
    target: kpi.target,
    warning: kpi.warning,
    critical: kpi.critical,
    good: 0,
    total: 0,
  });
  const labels = kpi.groupBy.map(({ label }) => label);
  const groups = GROUPS.map((name) => Object.fromEntries(labels.map((label) => [label, name])));
  return [row(undefined, k), ...(labels.length > 0 ? groups.map(row) : [])];
}

function show(columns: number | undefined): string[] {
  const ordered = [...kpis].sort((a, b) => (a.category < b.category ? -1 : 1));
  const answers = ordered.map((kpi, k) => ({ kpi, read: chooseRows(kpi, rowsOf(kpi, k), CHOICE) }));
  return showStatus({ endS: 1_700_000_000, answers }, CHOICE, { columns, hasColour: false }).split('\n');
}

describe('plumbline kpi status', () => {
  it.each([60, 80, 100, 120, 200])(
    'has no line wider than a terminal of %d columns, and cuts no text',
    (columns) => {
      const lines = show(columns);
      expect(lines.filter((line) => stringWidth(line) > columns)).toEqual([]);
      const text = lines.join('\n');
      expect(text).not.toContain('…');
      if (columns >= 80) for (const { name } of kpis) expect(text).toContain(name);
      const squeezed = text.replaceAll(/\s/g, '');
      for (const part of [...GROUPS, ...REASONS.slice(1), SLOW])
        expect(squeezed, part).toContain(part.replaceAll(' ', ''));
    },
  );

  it('has a heading for each category', () => {
    const titles = categories
      .filter(({ id }) => kpis.some(({ category }) => category === id))
      .map(({ title }) => title);
    for (const columns of [80, undefined])
      expect(
        show(columns)
          .filter((line) => titles.includes(line))
          .sort(),
      ).toEqual([...titles].sort());
  });

  it('gives the reason where a KPI is not on target; else its target says it', () => {
    const lines = show(undefined);
    expect(lines.filter((line) => line.startsWith('✔') && line.includes('meets'))).toEqual([]);
    const warnings = lines.filter((line) => line.startsWith('▲'));
    expect(warnings.length).toBeGreaterThan(5);
    for (const line of warnings) expect(line).toMatch(/ {2}misses target 2 s$/);
  });
});
