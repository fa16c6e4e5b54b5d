/**
 * Every alert rule of the shipped catalogue on the real engine: data that must fire it, data that must not, no data. The data is
 * made from the definition of each KPI, so that a new one is tested without a line here.
 *
 * Groups: `<kpi>-bad` and `<kpi>-good` have data until now, `<kpi>-few` too little of it, `<kpi>-gone` had some until a while ago.
 * KPIs without groups were good a few hours ago and are bad now.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { readAlertsConfig } from '../../src/alerts-source.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import type { AlertingFile, RuleFile } from '../../src/grafana/alerting/file-format.js';
import { renderAlerting } from '../../src/grafana/alerting/render-alerting.js';
import { kindsOf, readKinds } from '../../src/kpi/metric-kinds.js';
import { viewsOf } from '../../src/kpi/publish-catalogue.js';
import type { Kpi } from '../../src/model/kpi.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { loadShippedCatalogue } from '../kpi/catalogue-folder.js';
import { NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';
import { evaluateRule, type Instance } from './evaluate-rule.js';
import { extremesOf, requestOf } from './kpi-requests.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
/** A whole hour, less the delay of late data. */
const DATA_END_MS = Math.floor(NOW_UNIX_MS / HOUR_MS) * HOUR_MS;
/** KPIs without groups were good then; no window but those of days reaches from one time to the other. */
const GOOD_END_MS = DATA_END_MS - 6 * HOUR_MS;
const QUERY_TIMEOUT_MS = 120_000;

const { kpis, folders } = await loadShippedCatalogue();
const { categories } = await loadTaxonomy(new URL('../../catalogue/taxonomy.yaml', import.meta.url).pathname);
const alerts = await readAlertsConfig(folders, categories);
const rules = [...renderAlerting(kpis, alerts, { database: 'plumbline', docsUrl: '' })]
  .filter(([path]) => path.includes('/rules-'))
  .flatMap(([, text]) => (parse(text) as AlertingFile).groups!)
  .flatMap((group) => group.rules);
const NOW_MS = DATA_END_MS + alerts.evaluation.delayS * 1000;
const kpiOf = ({ labels }: RuleFile) => kpis.find(({ name }) => name === labels.kpi)!;
const silentSinceMs = ({ staleAfterS }: Kpi) => staleAfterS * 1000 + 10 * MINUTE_MS;
/** How long before the end of data a group went; older points would not be taken. */
const goneSinceMs = (kpi: Kpi) => Math.min(silentSinceMs(kpi), 25 * DAY_MS);

let stored: StoredMetrics;
/** Rules of a KPI ask the same: it is answered once. */
const answers = new Map<string, Promise<Record<string, unknown>[]>>();
const ask = (sql: string) => {
  const known = answers.get(sql) ?? stored.sql(sql);
  answers.set(sql, known);
  return known;
};
const evaluate = (rule: RuleFile, nowMs: number) => evaluateRule(rule, nowMs, ask);

async function sendAll(kpi: Kpi): Promise<void> {
  const { bad, good } = extremesOf(kpi);
  const send = (group: string, value: number, endMs: number, rest = {}) =>
    stored.send(requestOf(kpi, { value, group: `${kpi.name}-${group}`, endMs, ...rest }));
  await send('bad', bad, DATA_END_MS);
  await send('good', good, kpi.groupBy.length > 0 ? DATA_END_MS : GOOD_END_MS);
  if (kpi.groupBy.length === 0) return;
  if (kpi.samplesMin > 1) await send('few', bad, DATA_END_MS, { points: 1, weight: kpi.samplesMin - 1 });
  await send('gone', good, DATA_END_MS - goneSinceMs(kpi));
}

/** The views that rules ask. Sources beyond the second have no data here and would only take time. */
async function createViews(): Promise<void> {
  const kinds = await readKinds(stored.clickhouse, readQuery, kpis);
  const settings = { max_query_size: 64 * 1024 * 1024, max_ast_elements: 5_000_000 };
  for (const kpi of kpis) {
    const views = viewsOf({ ...kpi, sources: kpi.sources.slice(0, 2) }, FACTS, kindsOf(kpi, kinds));
    for (const name of [`kpi_${kpi.name}`, `kpi_${kpi.name}_status`])
      await stored.clickhouse.command(`CREATE VIEW ${name} AS ${views[name]}`, { settings });
  }
}

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_MS);
  for (const kpi of kpis) await sendAll(kpi);
  await stored.sql('SELECT 1');
  await createViews();
}, QUERY_TIMEOUT_MS);
afterAll(() => stored?.close());

/** The instances of a group; of a KPI without groups the only one there is. */
function groupOf(instances: readonly Instance[], rule: RuleFile, group: string): Instance[] {
  if (kpiOf(rule).groupBy.length === 0) return [...instances];
  return instances.filter(({ labels }) =>
    Object.values(labels).includes(`${labels.kpi ?? rule.labels.kpi}-${group}`),
  );
}

const ofKind = (...kinds: string[]) =>
  rules.filter(({ labels }) => kinds.includes(labels.kind!)).map((rule) => [rule.uid, rule] as const);

describe('thresholds and burn rates', () => {
  it.each(ofKind('threshold', 'burn_rate'))(
    '%s',
    async (_, rule) => {
      const kpi = kpiOf(rule);
      const now = await evaluate(rule, NOW_MS);
      const bad = groupOf(now, rule, 'bad');
      expect(bad.length, 'rows of what is bad').toBeGreaterThan(0);
      expect(
        bad.some(({ isFiring }) => isFiring),
        'what is bad fires',
      ).toBe(true);
      const then = kpi.groupBy.length > 0 ? now : await evaluate(rule, GOOD_END_MS + NOW_MS - DATA_END_MS);
      const good = groupOf(then, rule, 'good');
      expect(good.length, 'rows of what is good').toBeGreaterThan(0);
      expect(
        good.filter(({ isFiring }) => isFiring),
        'what is good does not fire',
      ).toEqual([]);
      const few = kpi.groupBy.length > 0 && kpi.samplesMin > 1 ? groupOf(now, rule, 'few') : [];
      expect(
        few.filter(({ isFiring }) => isFiring),
        'too few samples fire nothing',
      ).toEqual([]);
      expect(await evaluate(rule, NOW_MS - 300 * DAY_MS), 'no data').toEqual([]);
      expect(rule.noDataState).toBe('OK');
    },
    QUERY_TIMEOUT_MS,
  );
});

describe('no data', () => {
  it.each(ofKind('no_data'))(
    '%s',
    async (_, rule) => {
      const firing = async (nowMs: number) => (await evaluate(rule, nowMs)).map(({ isFiring }) => isFiring);
      expect(await firing(NOW_MS), 'while there is data').toEqual([false]);
      expect(await firing(NOW_MS + silentSinceMs(kpiOf(rule))), 'when there is none any more').toEqual([
        true,
      ]);
    },
    QUERY_TIMEOUT_MS,
  );
});

describe('a vanished group', () => {
  it.each(ofKind('vanished_group'))(
    '%s',
    async (_, rule) => {
      const kpi = kpiOf(rule);
      const now = await evaluate(rule, NOW_MS + silentSinceMs(kpi) - goneSinceMs(kpi));
      const firing = (group: string) => groupOf(now, rule, group).map(({ isFiring }) => isFiring);
      expect(firing('gone'), 'the one that has gone').toEqual([true]);
      expect([...firing('bad'), ...firing('good')], 'those that go on').toEqual([false, false]);
      // Where nothing is left, the rule of the whole says so, once.
      expect(await evaluate(rule, NOW_MS + silentSinceMs(kpi))).toEqual([]);
    },
    QUERY_TIMEOUT_MS,
  );
});

describe('all rules', () => {
  it('are of the kinds that are tested here', () => {
    expect(new Set(rules.map(({ labels }) => labels.kind))).toEqual(
      new Set(['threshold', 'burn_rate', 'no_data', 'vanished_group']),
    );
  });
});
