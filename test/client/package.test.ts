/**
 * The recorder library as a package: what importing it loads, its types for apps without ours, and its table of metrics
 * beside the demo's, the taxonomy's places and the documentation.
 */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { createClassifier } from '../../src/classify/classifier.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { CLIENT_METRICS, type ClientMetric } from '../../src/client/client-metrics.js';
import * as client from '../../src/client/index.js';
import { METRIC_TABLE } from '../../src/demo/metric-table.js';
import type { Series } from '../../src/model/series.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const table: ClientMetric[] = Object.values(CLIENT_METRICS);

async function listImports(kind: 'import-statement' | 'dynamic-import'): Promise<string[]> {
  const { metafile } = await build({
    entryPoints: [join(root, 'src/client/index.ts')],
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'neutral',
    metafile: true,
    write: false,
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  const external = imports.filter((one) => one.external && one.kind === kind);
  return [...new Set(external.map(({ path }) => path))].sort();
}

describe('the package', () => {
  it('loads only @opentelemetry/api when imported, and what else it needs when asked to', async () => {
    expect(await listImports('import-statement')).toEqual(['@opentelemetry/api']);
    expect(await listImports('dynamic-import')).toEqual([
      '@opentelemetry/exporter-metrics-otlp-http',
      '@opentelemetry/resources',
      '@opentelemetry/sdk-metrics',
      'web-vitals',
    ]);
  });

  it('has types for strict apps, with the types of the DOM and without those of Node', async () => {
    const directory = mkdtempSync(join(root, 'node_modules/.client-types-'));
    try {
      const strict = { strict: true, noEmit: true, exactOptionalPropertyTypes: true, skipLibCheck: false };
      const modules = {
        target: 'ES2022',
        module: 'ESNext',
        moduleResolution: 'bundler',
        verbatimModuleSyntax: true,
      };
      const browser = { ...strict, ...modules, lib: ['ES2022', 'DOM'], types: [] };
      writeFileSync(
        join(directory, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: browser, files: ['app.ts'] }),
      );
      writeFileSync(
        join(directory, 'app.ts'),
        `import { createBatch, createPlumbline, instrumentHandler, onEvent, type Recorder, startPlumbline, timed,
          trackResponseTime, trackTask, when } from '../../dist/client/index.js';
        const plumbline = await startPlumbline({ serviceName: 'shop', temporality: 'delta' });
        const recorder: Recorder = createPlumbline({ attributes: { region: 'eu' } });
        const length: number = timed('length', (text: string) => text.length)('abc');
        const handle: (request: Request) => Promise<Response> = instrumentHandler(
          (request) => new URL(request.url).pathname,
          async (request: Request) => new Response(request.method),
        );
        const node = instrumentHandler('/', (_request: { method?: string }, response: { end(): void }) => response.end());
        const slow = when((_endpoint, _start, success) => success === false, trackResponseTime);
        slow('GET /', 0, false);
        const stop: () => void = onEvent(document, 'submit', () => trackTask('order', true));
        const batch = createBatch({ intervalMs: 1_000 });
        batch.with({ job: 'nightly' }).trackTask('import', true);
        const result: Promise<string> = recorder.withContext({ tenant: 'a' }, async (inner) => {
          inner.trackImpact('search', 4);
          return 'done';
        });
        // @ts-expect-error a rating is a number
        recorder.trackSatisfaction('/', 'good');
        // @ts-expect-error a service needs a name
        void startPlumbline({});
        export { batch, handle, length, node, plumbline, result, stop };`,
      );
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const run = promisify(execFile)(process.execPath, [tsc, '-p', directory]);
      await run.catch(({ stdout }) => expect(stdout).toBe(''));
    } finally {
      rmSync(directory, { recursive: true });
    }
  });
});

describe('the table of metrics', () => {
  it('has the names, kinds and units of the demo; only durations are seconds', () => {
    const shared = METRIC_TABLE.filter(({ name }) => table.some((metric) => metric.name === name));
    expect(shared.length).toBeGreaterThanOrEqual(15);
    for (const demo of shared) {
      const metric = table.find(({ name }) => name === demo.name)!;
      // The demo's exponential histograms come from a histogram under a view.
      const kind = demo.instrument.replace('exponential_', '');
      const unit = demo.unit === 'ms' ? 's' : demo.unit;
      expect([metric.name, metric.instrument, metric.unit]).toEqual([demo.name, kind, unit]);
      if (demo.bounds !== undefined) {
        const scale = demo.unit === 'ms' ? 1000 : 1;
        expect(metric.bounds, metric.name).toEqual(demo.bounds.map((bound) => bound / scale));
      }
    }
  });

  it('has bounds that rise for each histogram', () => {
    for (const { name, instrument, bounds } of table) {
      expect(bounds !== undefined, name).toBe(instrument === 'histogram');
      expect(
        bounds?.toSorted((a, b) => a - b),
        name,
      ).toEqual(bounds);
    }
  });

  it('is placed by the shipped taxonomy; every web vital belongs to user experience', async () => {
    const classify = createClassifier(await loadTaxonomy(join(root, 'catalogue/taxonomy.yaml')));
    const places = Object.fromEntries(table.map((metric) => [metric.name, classify(describeSeries(metric))]));
    expect(Object.values(places).map(({ category }) => category)).not.toContain('unclassified');
    const vitals = Object.entries(places).filter(([name]) => name.startsWith('browser.web_vital.'));
    expect(vitals.map(([name, { category, subcategory }]) => [name, category, subcategory])).toEqual([
      ['browser.web_vital.lcp', 'User Experience', 'Page Load Times'],
      ['browser.web_vital.inp', 'User Experience', 'Interaction Times'],
      ['browser.web_vital.cls', 'User Experience', 'Page Load Times'],
      ['browser.web_vital.fcp', 'User Experience', 'Page Load Times'],
      ['browser.web_vital.ttfb', 'User Experience', 'Page Load Times'],
    ]);
  });
});

describe('docs/client.md', () => {
  const documentation = readFileSync(join(root, 'docs/client.md'), 'utf8');

  it('names every function that the package has, and no other', () => {
    const exported = Object.keys(client).filter((name) => name !== 'default');
    expect(exported.filter((name) => !documentation.includes(`\`${name}(`))).toEqual([]);
    const documented = [...documentation.matchAll(/^\| `(\w+)\(/gm)].map(([, name]) => name!);
    expect(documented.filter((name) => !exported.includes(name))).toEqual([]);
  });

  it('has the metric and unit of every row of the table', () => {
    for (const { name, unit } of table) expect(documentation).toContain(`\`${name}\` \`${unit}\``);
  });
});

function describeSeries(metric: ClientMetric): Series {
  return {
    resource: [{ key: 'service.name', value: 'shop', type: 'string' }],
    resourceSchemaUrl: '',
    resourceDroppedAttributes: 0,
    resourceEntityRefs: '',
    scopeName: 'plumbline/client',
    scopeVersion: '',
    scopeAttributes: [],
    scopeSchemaUrl: '',
    scopeDroppedAttributes: 0,
    metricName: metric.name,
    unit: metric.unit,
    description: metric.description,
    type: metric.instrument === 'counter' ? 'sum' : metric.instrument,
    temporality: 'cumulative',
    isMonotonic: metric.instrument === 'counter',
    metadata: [],
    attributes: [],
  };
}
