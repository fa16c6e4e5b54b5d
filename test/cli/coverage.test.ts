/** `plumbline coverage` against the SQL port of a stored catalogue and of metrics that came as OTLP. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createCoverageCommand } from '../../src/cli/coverage.js';
import { publishCatalogue } from '../../src/kpi/publish-catalogue.js';
import { createSqlEndpoint } from '../../src/show/sql-endpoint.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const KPIS = kpisOf(`
- name: error_rate
  title: Error Rate
  unit: '%'
  sources:
    - { name: http, ratio: { of: { metric: http.server.request.duration, where: { http.response.status_code: 5* } }, to: http.server.request.duration } }
    - { name: recorder, ratio: { of: error_rate, to: throughput } }
- name: response_time
  title: Response Time
  unit: s
  sources: [{ name: recorder, average: response_time }]
- name: cost_per_user
  title: Cost per User
  unit: '{USD}/mo'
  sources:
    - { name: recorder, per_user_cost: { cost: cost, users: active_users } }
    - { name: reported, last: cost_per_user }
`);

const counter = (name: string, unit = ''): OtlpMessage => ({
  name,
  unit,
  sum: { dataPoints: [numberPoint()], aggregationTemporality: 1, isMonotonic: true },
});
const level = (name: string, unit = ''): OtlpMessage => ({
  name,
  unit,
  gauge: { dataPoints: [numberPoint()] },
});

let stored: StoredMetrics;
let endpoint: ReturnType<typeof createSqlEndpoint>;

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
  await stored.send(
    ofService(
      'shop',
      counter('throughput', '{request}'),
      counter('cost', '{USD}'),
      counter('refunds\u001b[31m.issued'),
      level('room.humidity', '%'),
    ),
  );
  await stored.send(
    ofService('bank', level('response_time', 'ms'), level('response_time'), level('responseTime', 'ms')),
  );
  await publishCatalogue(
    { kpis: KPIS, folders: [], warnings: [] },
    { clickhouse: stored.clickhouse, facts: FACTS, readQuery, nowUnixMs: NOW_UNIX_MS },
  );
  endpoint = createSqlEndpoint({ host: '127.0.0.1', port: 0, clickhouse: stored.clickhouse, readOnly: true });
  await endpoint.start();
  await endpoint.open();
}, 60_000);
afterAll(async () => {
  await endpoint.shutdown(0);
  await stored.close();
});

/** What the command prints. */
async function run(...args: string[]): Promise<string> {
  process.env.PLUMBLINE_SQL_PORT = String(endpoint.address().port);
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  try {
    await createCoverageCommand().parseAsync(args, { from: 'user' });
    return written.mock.calls.map(([chunk]) => String(chunk)).join('');
  } finally {
    written.mockRestore();
  }
}

const cells = (line: string) => line.trim().split(/ {2,}/);
/** The lines below a heading, up to the next empty line. */
function linesBelow(printed: string, heading: string): string[] {
  const [, below] = printed.split(`${heading}`);
  return below!.split('\n\n')[0]!.split('\n').slice(1);
}

describe('plumbline coverage', () => {
  test('shows what feeds each KPI, what cannot be used and what is missing', async () => {
    const printed = await run();
    expect(printed.split('\n')[0]).toBe('2 of 3 KPIs have what they are measured by');
    const [titles, ...feeds] = linesBelow(printed, 'What feeds them').map(cells);
    expect(titles).toEqual(['KPI', 'source', 'term', 'metric', 'series', 'services', 'last seen', 'rule']);
    expect(feeds.map((row) => row.filter((_, i) => i !== row.length - 2))).toEqual([
      ['cost_per_user', 'recorder', 'cost', 'cost', '1', 'shop', 'cost-efficiency'],
      ['error_rate', 'recorder', 'denominator', 'throughput', '1', 'shop', 'throughput'],
      ['response_time', 'recorder', 'response_time', '1', 'bank', 'response-time'],
    ]);
    expect(linesBelow(printed, 'What is asked for and cannot be used').map(cells)).toEqual([
      ['KPI', 'metric', 'series', 'services', 'why'],
      ['response_time', 'response_time', '1', 'bank', "unit '' cannot be compared with s"],
      ['response_time', 'responseTime', '1', 'bank', 'its name resembles response_time'],
    ]);
    expect(linesBelow(printed, 'KPIs without data, and what would feed them')).toEqual([
      'cost_per_user  Cost per User',
      '  recorder: users active_users (gauge, unit {user}) by trackAdoption(feature, activeUsers, totalUsers)',
      '  or reported: cost_per_user (gauge, unit {USD}/mo) by code of your own',
    ]);
  });

  test('gives a rule for each metric that none takes, and nothing of a name moves the cursor', async () => {
    const printed = await run('--unclassified');
    expect(printed).not.toContain('What feeds them');
    expect(printed).not.toContain('\u001b[31m');
    expect(
      linesBelow(printed, 'Rules for them, to be looked at and put at the top of rules in taxonomy.yaml'),
    ).toEqual(expect.arrayContaining(['  - name: room-humidity', '    category: quality_indicators']));
  });

  test('answers in JSON, of one KPI too', async () => {
    const all = JSON.parse(await run('--json'));
    expect(all.kpis.map((kpi: { name: string; fedSources: string[] }) => [kpi.name, kpi.fedSources])).toEqual(
      [
        ['cost_per_user', []],
        ['error_rate', ['recorder']],
        ['response_time', ['recorder']],
      ],
    );
    expect(all.unclassified).toHaveLength(2);
    expect(all.unclassified[0]).toMatchObject({ suggestion: { yaml: expect.stringContaining('match:') } });
    const one = JSON.parse(await run('--json', '--kpi', 'error_rate'));
    expect(one).toEqual({ kpis: [all.kpis[1]] });
    expect(one.kpis[0].feeds).toMatchObject([
      { metric: 'throughput', lastSeen: new Date(NOW_UNIX_MS).toISOString() },
    ]);
  });

  test('names metrics whose series two writers share, with what to do, and nothing where there are none', async () => {
    const heading = 'Series with two writers, or with start times that are not right, in the last day';
    expect(await run()).not.toContain(heading);
    await stored.clickhouse.command(
      `INSERT INTO flagged_points (series_id, time, start_time, kpi, reason, checked_at)
       SELECT series_id, now64(9) - INTERVAL arrayJoin([0, 1, 2]) SECOND, now64(9), '', 'conflicting_point', now64(3)
       FROM series WHERE metric_name = 'throughput'`,
    );
    const printed = await run();
    const [, titles, row] = printed.split(heading)[1]!.split('\n');
    expect(cells(titles!)).toEqual(['metric', 'services', 'what', 'series', 'points']);
    expect(cells(row!)).toEqual(['throughput', 'shop', 'two writers', '1', '3']);
    expect(printed).toContain('enable_ip_only_aggregation');
    expect(JSON.parse(await run('--json')).flaggedSeries).toEqual([
      { metric: 'throughput', reason: 'conflicting_point', services: ['shop'], series: 1, points: 3 },
    ]);
    expect(JSON.parse(await run('--json', '--kpi', 'error_rate'))).not.toHaveProperty('flaggedSeries');
  });

  test('says which KPI was surely meant', async () => {
    await expect(run('--kpi', 'eror_rate')).rejects.toThrow('did you mean "error_rate"?');
  });
});
