/** Budgets of active series: who is folded, what is written for it, what the sender is told, who gives places back. */
import { describe, expect, it } from 'vitest';
import { describeFolded } from '../../src/decode/fold-log.js';
import type { SeriesTable } from '../../src/decode/series-table.js';
import { PointBatch } from '../../src/model/point-batch.js';
import type { ActiveSeries } from '../../src/model/series.js';
import { createSeriesTable, decode, type Encoding, LIMITS } from '../testkit/decode-fixture.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { gauge, numberPoint, stringAttribute, toJson, toProtobuf } from '../testkit/otlp-message.js';

const UNLIMITED = { perMetric: 0, perService: 0, total: 0 };
const OVERFLOW = [{ key: 'otel.metric.overflow', value: 'true', type: 'bool' }];

/** A gauge of `count` users, one point each. */
function users(from: number, count: number, name = 'logins', service = 'shop') {
  const ids = Array.from({ length: count }, (_, i) => [stringAttribute('user', `u${from + i}`)]);
  return logins(ids, [stringAttribute('service.name', service)], name);
}

/** A gauge with a point for each set of attributes. */
function logins(points: OtlpMessage[][], resource: OtlpMessage[], name = 'logins'): OtlpMessage {
  const dataPoints = points.map((attributes) => numberPoint({ attributes }));
  const metrics = [{ ...gauge(...dataPoints), name }];
  return { resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ metrics }] }] };
}

const SHOP = stringAttribute('service.name', 'shop');

/** Decodes into a batch of its own; gives the ids of the points, series rows and folded rows. */
function send(series: SeriesTable, message: OtlpMessage, encoding: Encoding = 'protobuf') {
  const batch = new PointBatch();
  const bytes = encoding === 'protobuf' ? toProtobuf(message) : toJson(message);
  const { accepted, folded = [] } = decode(bytes, encoding, { series, batch });
  const ids = (lanes: PointBatch['numbers']['seriesId']) =>
    Array.from({ length: lanes.length }, (_, i) => lanes.bigUintAt(i));
  return {
    accepted,
    folded,
    points: ids(batch.numbers.seriesId),
    rows: [...batch.seriesRows],
    foldedIds: ids(batch.foldedSeries.seriesId),
    overflowIds: ids(batch.foldedSeries.overflowSeriesId),
  };
}

describe('a series beyond a budget', () => {
  it('keeps its own series_id for its points, and is shown under the overflow series of its stream', () => {
    const free = send(createSeriesTable(), users(0, 10));
    const bounded = send(createSeriesTable(undefined, { ...UNLIMITED, perMetric: 4 }), users(0, 10));
    expect(bounded.accepted).toBe(10);
    expect(bounded.points).toEqual(free.points);
    expect(bounded.rows.map((row) => row.series.attributes.map((a) => a.value))).toEqual([
      ...[0, 1, 2, 3].map((i) => [`u${i}`]),
      ['true'],
    ]);
    const overflow = bounded.rows.at(-1)!;
    expect(overflow.series).toEqual({ ...free.rows[0]!.series, attributes: OVERFLOW });
    expect(bounded.foldedIds).toEqual(free.points.slice(4));
    expect(new Set(bounded.overflowIds)).toEqual(new Set([overflow.seriesId]));
  });

  it('is counted for the sender, by the budget that is full', () => {
    const table = createSeriesTable(undefined, { perMetric: 4, perService: 6, total: 7 });
    expect(send(table, users(0, 10)).folded).toEqual([{ budget: 'metric', name: 'logins', count: 6 }]);
    expect(send(table, users(0, 5, 'logouts')).folded).toEqual([
      { budget: 'service', name: 'shop', count: 3 },
    ]);
    expect(send(table, users(0, 2, 'logins2', 'other')).folded).toEqual([
      { budget: 'total', name: '', count: 1 },
    ]);
    expect(send(table, users(0, 4)).folded).toEqual([]);
    expect(table.size).toBe(7);
  });

  it('is told to the sender with budget, setting and number of points', () => {
    const limits = { perMetric: 4, perService: 6, total: 7 };
    expect(describeFolded({ budget: 'metric', name: 'logins', count: 6 }, limits)).toBe(
      '6 points of new series folded into overflow series (otel.metric.overflow=true): metric "logins" has the 4 active ' +
        'series that PLUMBLINE_SERIES_PER_METRIC_MAX allows; totals stay exact, attributes of new series are not kept',
    );
    expect(describeFolded({ budget: 'total', name: '', count: 1 }, limits)).toMatch(
      /^1 point of .* all services together have the 7 active series that PLUMBLINE_SERIES_MAX allows/,
    );
  });

  it('is the same in JSON, seen again, and after the cache was lost', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, perMetric: 2 });
    const first = send(table, users(0, 5));
    const again = send(table, users(0, 5));
    expect([again.points, again.folded]).toEqual([first.points, first.folded]);
    // Known raw bytes: nothing is written again.
    expect([again.rows, again.foldedIds]).toEqual([[], []]);
    expect(send(table, users(0, 5), 'json').points).toEqual(first.points);
    table.forgetWritten([]);
    const lost = send(table, users(0, 5));
    expect(lost.points).toEqual(first.points);
    expect(lost.foldedIds).toEqual(first.foldedIds);
    expect(lost.rows.map((row) => row.series.attributes)).toEqual([OVERFLOW]);
  });

  it('leaves nothing behind, however many there are', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, total: 100 });
    for (let i = 0; i < 30; i++) send(table, users(i * 1000, 1000));
    expect(table.size).toBe(100);
  });

  it('that is an overflow series itself stays what it is, and nobody is warned of it', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, perMetric: 1 });
    send(table, users(0, 1));
    const sdk = logins([[{ key: 'otel.metric.overflow', value: { boolValue: true } }]], [SHOP]);
    const own = send(table, sdk);
    const ours = send(table, users(5, 1));
    expect([own.folded, own.foldedIds, own.rows.length]).toEqual([[], [], 1]);
    expect(ours.overflowIds).toEqual(own.points);
  });
});

describe('resources that run away', () => {
  it('fold into overflow series of their own until there are 10,000, then into one that keeps the service', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, perMetric: 1 });
    const overflows = new Set<bigint>();
    const resources: string[][] = [];
    for (let i = 0; i < 10_050; i++) {
      const message = logins([[]], [SHOP, stringAttribute('pod', `p${i}`)]);
      const { overflowIds, rows } = send(table, message);
      for (const id of overflowIds) overflows.add(id);
      for (const row of rows) resources.push(row.series.resource.map((a) => a.key));
    }
    expect(overflows.size).toBe(10_001);
    expect(resources.at(-1)).toEqual(['service.name']);
    expect(table.size).toBe(1);
  });
});

describe('places in the budget', () => {
  const activeOf = (rows: ReturnType<typeof send>['rows']): ActiveSeries[] =>
    rows.map((row) => ({
      metricName: row.series.metricName,
      service: row.sourceSystem,
      ids: new Uint32Array(new BigUint64Array([row.seriesId]).buffer),
    }));

  it('of series that storage knows are taken after a restart, so that the budget is not spent twice', () => {
    const budgets = { ...UNLIMITED, perMetric: 5 };
    const before = send(createSeriesTable(undefined, budgets), users(0, 5));
    const table = createSeriesTable(undefined, budgets);
    table.refresh(activeOf(before.rows));
    expect(table.size).toBe(5);
    expect(send(table, users(100, 3)).foldedIds).toHaveLength(3);
    const known = send(table, users(0, 5));
    expect(known.folded).toEqual([]);
    expect(known.rows).toHaveLength(5);
  });

  it('are given back by silent series; a folded one that takes such a place goes on under its own id', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, perMetric: 5 });
    const first = send(table, users(0, 8));
    const active = activeOf(first.rows.slice(2, 5));
    // New since the last refresh: they stay, storage may not have heard of them yet.
    table.refresh(active);
    expect(table.size).toBe(5);
    table.refresh(active);
    expect(table.size).toBe(3);
    const later = send(table, users(5, 3));
    expect(later.points).toEqual(first.points.slice(5));
    expect(later.rows.map((row) => row.seriesId)).toEqual([
      ...first.points.slice(5, 7),
      first.overflowIds[0],
    ]);
    expect(later.foldedIds).toEqual(first.points.slice(7));
  });

  it('stay with who is active: nothing is written again, and byte forms are still known', () => {
    const table = createSeriesTable(undefined, { ...UNLIMITED, perMetric: 2_000 });
    const first = send(table, users(0, 2_000));
    const active = activeOf(first.rows.filter((_, i) => i % 3 === 0));
    table.refresh(active);
    table.refresh(active);
    expect(table.size).toBe(active.length);
    const again = send(table, users(0, 2_000));
    expect(again.points).toEqual(first.points);
    expect(again.rows.map((row) => row.seriesId)).toEqual(first.points.filter((_, i) => i % 3 !== 0));
    expect(table.size).toBe(2_000);
  });
});

describe('attributes of one series', () => {
  it('may have so many bytes, together with resource, scope and metric; beyond that the point is rejected', () => {
    const limits = { ...LIMITS, attributesBytesMax: 1_000 };
    const user = stringAttribute('user', 'u');
    const large = logins([[user], [user, stringAttribute('trace', 'x'.repeat(1_000))]], [SHOP]);
    const table = createSeriesTable();
    const { accepted, rejections } = decode(toProtobuf(large), 'protobuf', { series: table, limits });
    expect([accepted, rejections]).toEqual([
      1,
      [{ reason: 'attributes_too_large', metricName: 'logins', count: 1 }],
    ]);
    expect(table.size).toBe(1);
  });
});
