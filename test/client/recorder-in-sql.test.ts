/**
 * The recorder library against a running pipeline: what the functions are given is what SQL has, exactly, in its category,
 * whether an app awaits startPlumbline, just ends, or is told to.
 */
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { metrics } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createBatch,
  instrumentHandler,
  type RunningPlumbline,
  type StartOptions,
  startPlumbline,
  timed,
  trackAdoption,
  trackAutomation,
  trackBusinessValue,
  trackCost,
  trackError,
  trackImpact,
  trackNavigation,
  trackProcess,
  trackResponseTime,
  trackSatisfaction,
  trackTask,
  trackThroughput,
  trackUserInteraction,
  when,
  withContext,
} from '../../src/client/index.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => Date.now(), { PLUMBLINE_AUTH_TOKENS: 'secret-of-the-shop' });
});
afterAll(() => receiver.stop());

function start(serviceName: string, options: Partial<StartOptions> = {}): Promise<RunningPlumbline> {
  return startPlumbline({
    serviceName,
    endpoint: `http://${receiver.http}`,
    logLevel: 'none',
    headers: { Authorization: 'Bearer secret-of-the-shop' },
    exportIntervalMs: 3_600_000,
    ...options,
  });
}

type Row = [
  name: string,
  value: number,
  count: number,
  unit: string,
  type: string,
  subcategory: string,
  attributes: Record<string, string>,
];

/** Every series of a service with the value of its one point; of histograms the sum, and how many values it is of. */
async function readRows(service: string): Promise<Row[]> {
  const rows = await receiver.stored<Record<string, string & number & Record<string, string>>>(`
    SELECT metric_name, value, toUInt32(count) AS count, unit,
           concat(metric_type, if(metric_type = 'sum', if(is_monotonic, ' monotonic', ''), '')) AS type,
           concat(category, ' / ', subcategory) AS place, attributes
    FROM (SELECT series_id, value, 1 AS count FROM number_points FINAL
          UNION ALL SELECT series_id, assumeNotNull(sum) AS value, count FROM histogram_points FINAL) AS p
    INNER JOIN (SELECT * FROM series FINAL) AS s USING (series_id)
    WHERE source_system = '${service}' ORDER BY metric_name, toString(attributes)`);
  return rows.map((row) => [
    row.metric_name!,
    row.value!,
    row.count!,
    row.unit!,
    row.type!,
    row.place!,
    row.attributes!,
  ]);
}

describe('the functions of the module', () => {
  it('each arrive with their value, unit, kind, category and attributes', async () => {
    const plumbline = await start('every function');
    trackResponseTime('GET /orders', { durationMs: 182 });
    trackError('GET /orders', 'timeout');
    trackThroughput('shop', 3);
    trackUserInteraction('https://shop.example/cart?item=7', 'click', 48);
    trackNavigation('/cart', 3, true);
    trackTask('order', false);
    trackSatisfaction('/cart', 4.5);
    trackProcess('invoices', 45, 60);
    trackAutomation('desk', 8, 10);
    trackCost({ service: 'search', feature: 'suggestions' }, 12.34);
    trackCost({ service: 'search', feature: 'suggestions' }, 0.66);
    trackBusinessValue('search', 5, 99.5);
    trackAdoption('search', 70, 100);
    trackImpact('search', 4.25);
    await plumbline.shutdown();

    const sum = 'sum monotonic';
    expect(await readRows('every function')).toEqual([
      ['active_users', 70, 1, '{user}', 'gauge', 'Business Impact / Adoption Rates', { feature: 'search' }],
      [
        'automated_tasks',
        8,
        1,
        '{task}',
        sum,
        'Operational Efficiency / Automation Rates',
        { service: 'desk' },
      ],
      ['business_value', 99.5, 1, '{USD}', sum, 'Business Impact / Business Value', { feature: 'search' }],
      [
        ...(['cost', 13, 1, '{USD}', sum, 'Operational Efficiency / Cost Efficiency'] as const),
        { service: 'search', feature: 'suggestions' },
      ],
      [
        ...(['error_rate', 1, 1, '{error}', sum, 'System Performance / Error Rates'] as const),
        { endpoint: 'GET /orders', error_type: 'timeout', 'error.type': 'timeout' },
      ],
      ['feature_usage', 5, 1, '{use}', sum, 'Business Impact / Adoption Rates', { feature: 'search' }],
      [
        'impact_score',
        4.25,
        1,
        '{rating}',
        'gauge',
        'Business Impact / Impact Analysis',
        { feature: 'search' },
      ],
      [
        ...([
          'navigation_efficiency',
          3,
          1,
          '{click}',
          'histogram',
          'User Experience / Navigation Efficiency',
        ] as const),
        { page_url: '/cart', task_completion: 'true' },
      ],
      [
        ...([
          'process_efficiency',
          0.75,
          1,
          '1',
          'histogram',
          'Operational Efficiency / Process Efficiency',
        ] as const),
        { process_name: 'invoices' },
      ],
      [
        ...(['response_time', 0.182, 1, 's', 'histogram', 'System Performance / Response Times'] as const),
        { endpoint: 'GET /orders', success: 'true' },
      ],
      [
        ...(['task_completion', 1, 1, '{task}', sum, 'User Experience / Navigation Efficiency'] as const),
        { task: 'order', completed: 'false' },
      ],
      ['throughput', 3, 1, '{request}', sum, 'System Performance / Throughput', { service: 'shop' }],
      ['total_tasks', 10, 1, '{task}', sum, 'Operational Efficiency / Automation Rates', { service: 'desk' }],
      ['total_users', 100, 1, '{user}', 'gauge', 'Business Impact / Adoption Rates', { feature: 'search' }],
      [
        ...(['user_interaction', 0.048, 1, 's', 'histogram', 'User Experience / Interaction Times'] as const),
        { page_url: '/cart', interaction_type: 'click' },
      ],
      [
        ...([
          'user_satisfaction',
          4.5,
          1,
          '{rating}',
          'histogram',
          'User Experience / User Satisfaction',
        ] as const),
        { page_url: '/cart' },
      ],
    ] satisfies Row[]);
  });

  it('are in the view performance_metrics, with service and component, and integers are integers', async () => {
    const rows = await receiver.stored(`
      SELECT metric_name, metric_value, unit, source_system, source_component,
             JSONExtractString(metadata, 'endpoint') AS endpoint
      FROM performance_metrics WHERE category = 'System Performance' AND source_system = 'every function'
      ORDER BY metric_name`);
    const source = { source_system: 'every function', source_component: 'plumbline/client' };
    expect(rows).toEqual([
      { metric_name: 'error_rate', metric_value: 1, unit: '{error}', ...source, endpoint: 'GET /orders' },
      { metric_name: 'response_time', metric_value: 0.182, unit: 's', ...source, endpoint: 'GET /orders' },
      { metric_name: 'throughput', metric_value: 3, unit: '{request}', ...source, endpoint: '' },
    ]);
    const [types] = await receiver.stored(`
      SELECT groupUniqArray(value_type) AS types FROM number_points WHERE series_id IN
        (SELECT series_id FROM series WHERE metric_name IN ('total_tasks', 'active_users', 'error_rate'))`);
    expect(types).toEqual({ types: ['int'] });
  });

  it('add up over exports: increases are exact, cumulative or delta', async () => {
    for (const temporality of ['cumulative', 'delta'] as const) {
      const plumbline = await start(temporality, { temporality });
      trackCost({ service: 'search' }, 1.5);
      trackResponseTime('import', { durationMs: 500 });
      await plumbline.flush();
      trackCost({ service: 'search' }, 2.25);
      trackResponseTime('import', { durationMs: 1_000 });
      await plumbline.shutdown();
    }
    const range = `start_time = now() - INTERVAL 1 HOUR, end_time = now() + INTERVAL 1 HOUR, step_s = 7200`;
    const of = (view: string, metric: string, columns: string) =>
      receiver.stored(`
        SELECT source_system, ${columns} FROM ${view}(metric = '${metric}', ${range}) AS i
        INNER JOIN (SELECT series_id, source_system, temporality FROM series FINAL) AS s USING (series_id)
        WHERE source_system = toString(temporality) GROUP BY source_system ORDER BY source_system`);
    expect(await of('number_increase', 'cost', 'sum(increase) AS increase')).toEqual([
      { source_system: 'cumulative', increase: 3.75 },
      { source_system: 'delta', increase: 3.75 },
    ]);
    expect(
      await of(
        'histogram_increase',
        'response_time',
        'toUInt32(sum(increase_count)) AS count, sum(increase_sum) AS sum',
      ),
    ).toEqual([
      { source_system: 'cumulative', count: 2, sum: 1.5 },
      { source_system: 'delta', count: 2, sum: 1.5 },
    ]);
  });
});

describe('ways to record', () => {
  it('wrapped functions, handlers, batches, conditions and contexts arrive too', async () => {
    const plumbline = await start('ways', { attributes: { region: 'eu' } });
    timed('parse', JSON.parse)('{}');
    const server = createServer(
      instrumentHandler('/pay', (_request, response) => {
        response.statusCode = 502;
        response.end();
      }),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    server.close();
    // Never flushed by hand: sending flushes it.
    createBatch().trackTask('order', true);
    const trackSlow = when(
      (_endpoint, timing) => (timing as { durationMs: number }).durationMs > 2_000,
      trackResponseTime,
    );
    trackSlow('fast', { durationMs: 10 });
    trackSlow('slow', { durationMs: 4_000 });
    await withContext({ tenant: 'acme' }, async () => {
      await plumbline.flush();
      trackImpact('context', 3);
    });
    plumbline.recorder.trackImpact('recorder', 5);
    await plumbline.shutdown();

    const rows = await readRows('ways');
    const find = (name: string, value: string) =>
      rows
        .find(
          ([metric, , , , , , attributes]) => metric === name && Object.values(attributes).includes(value),
        )
        ?.at(-1);
    expect(find('response_time', 'parse')).toEqual({ endpoint: 'parse', success: 'true' });
    const request = { endpoint: '/pay', 'http.route': '/pay', 'http.request.method': 'GET' };
    const failure = { ...request, 'http.response.status_code': '502', 'error.type': '502' };
    expect(find('response_time', '/pay')).toEqual({ ...failure, success: 'false' });
    expect(find('throughput', '/pay')).toEqual(failure);
    expect(find('error_rate', '/pay')).toEqual({ ...failure, error_type: '502' });
    expect(find('task_completion', 'order')).toEqual({ task: 'order', completed: 'true' });
    expect(find('response_time', 'slow')).toEqual({ endpoint: 'slow', success: 'true' });
    expect(find('response_time', 'fast')).toBeUndefined();
    expect(find('impact_score', 'context')).toEqual({ feature: 'context', tenant: 'acme' });
    expect(find('impact_score', 'recorder')).toEqual({ feature: 'recorder', region: 'eu' });
  });
});

describe('startPlumbline()', () => {
  it('keeps what is recorded while it loads, and gives a second caller what the first one started', async () => {
    const started = start('not awaited', { resource: { 'deployment.environment.name': 'test' } });
    trackTask('early', true);
    const plumbline = await started;
    expect(await start('another')).toBe(plumbline);
    await Promise.all([plumbline.shutdown(), plumbline.shutdown()]);
    await plumbline.flush();
    const rows = await receiver.stored(`
      SELECT metric_name, resource_attributes['deployment.environment.name'] AS environment,
             length(resource_attributes['service.instance.id']) AS id_length
      FROM series FINAL WHERE source_system = 'not awaited'`);
    expect(rows).toEqual([{ metric_name: 'task_completion', environment: 'test', id_length: 36 }]);
  });

  it('refuses an app that has an SDK, and leaves that SDK as it is', async () => {
    const { MeterProvider } = await import('@opentelemetry/sdk-metrics');
    const provider = new MeterProvider();
    metrics.setGlobalMeterProvider(provider);
    await expect(start('second SDK')).rejects.toThrow(/has a global MeterProvider already/);
    expect(metrics.getMeterProvider()).toBe(provider);
    metrics.disable();
  });

  it.each([
    [{ serviceName: '' }, /serviceName must be a text/],
    [{ endpoint: '127.0.0.1:4318' }, /endpoint must be an address like http/],
    [{ exportIntervalMs: 0 }, /exportIntervalMs must be more than 0/],
    [{ temporality: 'sometimes' as never }, /temporality must be one of cumulative, delta/],
    [{ logLevel: 'loud' as never }, /logLevel must be one of none/],
  ])('refuses %j, and can be called again', async (options, message) => {
    await expect(start('refused', options)).rejects.toThrow(message);
    await (await start('refused')).shutdown();
  });

  it('from the built package: a program that just ends and one that gets SIGTERM lose nothing', async () => {
    const program = (service: string, rest: string) => `
      import { startPlumbline, trackTask } from 'plumbline/client';
      const plumbline = await startPlumbline({
        serviceName: '${service}',
        endpoint: 'http://${receiver.http}/v1/metrics',
        headers: { Authorization: 'Bearer secret-of-the-shop' },
      });
      trackTask('${service}', true);
      ${rest}`;
    const run = (text: string) =>
      spawn(process.execPath, ['--input-type=module', '-e', text], {
        cwd: new URL('../..', import.meta.url).pathname,
        stdio: ['ignore', 'pipe', 'inherit'],
      });
    const exitCode = (child: ReturnType<typeof run>) => new Promise((resolve) => child.once('exit', resolve));
    const ending = run(program('just ends', ''));
    const stopped = run(
      program(
        'is stopped',
        `const timer = setInterval(() => {}, 1000);
         process.once('SIGTERM', () => { clearInterval(timer); void plumbline.shutdown(); });
         console.log('up');`,
      ),
    );
    stopped.stdout.once('data', () => stopped.kill('SIGTERM'));
    expect(await Promise.all([exitCode(ending), exitCode(stopped)])).toEqual([0, 0]);
    expect((await readRows('just ends')).map(([name, value]) => [name, value])).toEqual([
      ['task_completion', 1],
    ]);
    expect((await readRows('is stopped')).map(([name, value]) => [name, value])).toEqual([
      ['task_completion', 1],
    ]);
  });
});
