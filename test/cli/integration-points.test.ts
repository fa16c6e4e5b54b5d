/** Where metrics come from: every metric of the catalogue has an origin, every call exists, and the page is up to date. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findInstrumentation, listRecorders, RECORDED_METRICS } from '../../src/cli/metric-origins.js';
import { CLIENT_METRICS } from '../../src/client/client-metrics.js';
import { createPlumbline } from '../../src/client/index.js';
import { metricsOf } from '../../src/kpi/kpi-terms.js';
import { integrationPointsFile, renderBuiltIn } from './integration-points-file.js';

describe('docs/integration-points.md', () => {
  it('is what the catalogue says: run `npm run docs:integration` where it is not', async () => {
    expect(readFileSync(integrationPointsFile, 'utf8')).toBe((await renderBuiltIn()).text);
  });

  it('has every KPI', async () => {
    const { text, kpis } = await renderBuiltIn();
    expect(kpis.filter(({ name }) => !text.includes(`\`${name}\`, in`)).map(({ name }) => name)).toEqual([]);
  });
});

describe('origins of metrics', () => {
  it('are those of the recorder library, by calls that it has and docs/client.md describes', () => {
    const told = Object.entries(RECORDED_METRICS).map(([name, { instrument, unit }]) => ({
      name,
      instrument,
      unit,
    }));
    const library = Object.values(CLIENT_METRICS).map(({ name, instrument, unit }) => ({
      name,
      instrument,
      unit,
    }));
    expect(told).toEqual(library);
    const recorder = createPlumbline();
    const page = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    for (const call of Object.values(RECORDED_METRICS).flatMap(({ calls }) => calls)) {
      const method = /^\w+/.exec(call)![0];
      expect(recorder).toHaveProperty(method);
      expect(page).toContain(`\`${method}(`);
    }
  });

  it('are known for every metric of a source that is not the app itself', async () => {
    const { kpis } = await renderBuiltIn();
    const metrics = new Set(kpis.flatMap(metricsOf));
    const unknown = [...metrics].filter(
      (metric) =>
        metric.includes('.') &&
        listRecorders(metric).length === 0 &&
        findInstrumentation(metric) === undefined,
    );
    expect(unknown).toEqual(['test.coverage', 'test.pass_rate', 'tests.pass_rate']);
  });
});
