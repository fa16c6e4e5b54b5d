/** Runbooks: every KPI has one of its own, with the same parts, links that lead somewhere and views that exist. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadShippedCatalogue } from './catalogue-folder.js';

const folder = new URL('../../docs/runbooks/', import.meta.url);
const files = readdirSync(folder)
  .filter((name) => name.endsWith('.md'))
  .sort();
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');
const { kpis } = await loadShippedCatalogue();

describe('docs/runbooks', () => {
  it('has one for each KPI, and its YAML names it', () => {
    const names = kpis.map(({ name }) => name);
    expect(kpis.map(({ runbook }) => runbook)).toEqual(names.map((name) => `docs/runbooks/${name}.md`));
    expect(files).toEqual(names.map((name) => `${name}.md`));
  });

  it('says in each what it means, how it is measured, what to look at first and who acts', () => {
    for (const file of files) {
      const parts = read(file).match(/^##? .*/gm)!;
      expect(parts.slice(1), file).toEqual(['## How it is measured', '## First checks', '## Who']);
    }
  });

  it('asks in each for the KPI that it is about, and for no view that does not exist', () => {
    const views = new Set(kpis.flatMap(({ name }) => [`kpi_${name}`, `kpi_${name}_status`]));
    for (const file of files) {
      const asked = [...read(file).matchAll(/plumbline\.(kpi_\w+)\(/g)].map(([, view]) => view!);
      expect(asked, file).toContain(`kpi_${file.replace('.md', '')}_status`);
      expect(
        asked.filter((view) => !views.has(view)),
        file,
      ).toEqual([]);
    }
  });

  it('links only to files that are there', () => {
    const known = [...files, '../catalogue.md', '../self-metrics.md', '../spool.md'];
    for (const file of files) {
      for (const [, target] of read(file).matchAll(/\]\(([^)#]+)(#[^)]*)?\)/g)) {
        expect(known, file).toContain(target);
      }
    }
  });
});
