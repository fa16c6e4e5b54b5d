/** The environment of a resource under each of its names, wherever it is read. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { environmentsSql } from '../../src/grafana/sql/variable-sql.js';
import { attributeSql, hasAttributeSql, labelSql } from '../../src/kpi/kpi-terms.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { NOW_UNIX_NANO, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';

const NEW = 'deployment.environment.name';
const OLD = 'deployment.environment';
const PROMETHEUS = 'deployment_environment';

/** Service, its resource attributes, and the environment that it is in. */
const SERVICES: readonly [string, Record<string, string>, string][] = [
  ['new', { [NEW]: 'prod' }, 'prod'],
  ['old', { [OLD]: 'prod' }, 'prod'],
  ['prometheus', { [PROMETHEUS]: 'prod' }, 'prod'],
  ['new before old', { [PROMETHEUS]: 'c', [OLD]: 'b', [NEW]: 'prod' }, 'prod'],
  ['old before prometheus', { [PROMETHEUS]: 'c', [OLD]: 'prod' }, 'prod'],
  ['empty is none', { [NEW]: '', [OLD]: 'prod' }, 'prod'],
  ['another', { [PROMETHEUS]: 'test' }, 'test'],
  ['none', {}, ''],
];
const IN_PROD = SERVICES.filter(([, , environment]) => environment === 'prod').map(([service]) => service);

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_CATALOGUE_BUILT_IN: 'true' });
  for (const [service, attributes] of SERVICES) {
    const point = {
      timeUnixNano: NOW_UNIX_NANO - 120_000_000_000n,
      startTimeUnixNano: NOW_UNIX_NANO - 180_000_000_000n,
      count: 1n,
      sum: 1,
      explicitBounds: [2],
      bucketCounts: [1n, 0n],
    };
    const metric = {
      name: 'http.server.request.duration',
      unit: 's',
      histogram: { aggregationTemporality: 1, dataPoints: [point] },
    };
    const resource = {
      attributes: Object.entries({ 'service.name': service, ...attributes }).map(([key, value]) =>
        stringAttribute(key, value),
      ),
    };
    await receiver.send({ resourceMetrics: [{ resource, scopeMetrics: [{ metrics: [metric] }] }] });
  }
  await receiver.sql('SELECT 1');
}, 120_000);
afterAll(() => receiver.stop());

describe('the environment', () => {
  it('of a KPI is found under each name', async () => {
    const rows = await receiver.stored<{ samples: number }>(
      `SELECT toUInt32(samples) AS samples FROM kpi_response_time_status_of(at_time = fromUnixTimestamp64Milli(${NOW_UNIX_MS}, 'UTC'), service = '', environment = 'prod')
       WHERE empty(group)`,
    );
    expect(rows).toEqual([{ samples: IN_PROD.length }]);
  });

  it.each([NEW, OLD, PROMETHEUS])('is one label and one attribute of KPIs by the name %s', async (name) => {
    const label = labelSql({ label: 'environment', attributes: [name] });
    const listed = labelSql({ label: 'environment', attributes: ['no.such', name, OLD] });
    const rows = await receiver.stored<Record<string, unknown>>(
      `SELECT toString(source_system) AS service, ${attributeSql(name)} AS value, ${hasAttributeSql(name)} AS has, ${label} AS label, ${listed} AS listed
       FROM series FINAL ORDER BY service`,
    );
    const expected = SERVICES.map(([service, , value]) => ({
      ...{ service, value, has: value !== '' ? 1 : 0, label: value, listed: value },
    }));
    expect(rows.map((row) => ({ ...row, has: Number(row.has) }))).toEqual(
      expected.sort((a, b) => (a.service < b.service ? -1 : 1)),
    );
  });

  it.each([NEW, OLD, PROMETHEUS])('groups quantiles by the name %s', async (name) => {
    const at = (agoS: number) => `fromUnixTimestamp64Milli(${NOW_UNIX_MS - agoS * 1000}, 'UTC')`;
    const rows = await receiver.stored(
      `SELECT \`group\`, toUInt32(count) AS count
       FROM histogram_quantiles(metric = 'http.server.request.duration', start_time = ${at(600)}, end_time = ${at(0)}, step_s = 600, group_by = '${name}')
       ORDER BY \`group\``,
    );
    expect(rows).toEqual([
      { group: '', count: 1 },
      { group: 'prod', count: IN_PROD.length },
      { group: 'test', count: 1 },
    ]);
  });

  it('is what a dropdown of Grafana offers', async () => {
    expect(await receiver.stored(environmentsSql('plumbline'))).toEqual([
      { value: 'prod', text: 'prod' },
      { value: 'test', text: 'test' },
    ]);
  });
});
