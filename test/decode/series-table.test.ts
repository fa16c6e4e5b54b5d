import { describe, expect, it } from 'vitest';
import { PointBatch } from '../../src/model/point-batch.js';
import type { Attribute, Series } from '../../src/model/series.js';
import { createSeriesTable, decode } from '../testkit/decode-fixture.js';
import {
  gauge,
  histogram,
  numberPoint,
  request,
  stringAttribute,
  toProtobuf,
} from '../testkit/otlp-message.js';
import { classifyForTests } from '../testkit/reference-series.js';

const attribute = (key: string, value: string, type: Attribute['type'] = 'string'): Attribute => ({
  key,
  value,
  type,
});

const BASE: Series = {
  resource: [attribute('service.name', 'shop')],
  resourceSchemaUrl: '',
  resourceDroppedAttributes: 0,
  resourceEntityRefs: '',
  scopeName: 'lib',
  scopeVersion: '1',
  scopeAttributes: [],
  scopeSchemaUrl: '',
  scopeDroppedAttributes: 0,
  metricName: 'requests',
  description: 'as first seen',
  unit: '1',
  type: 'sum',
  temporality: 'cumulative',
  isMonotonic: true,
  metadata: [],
  attributes: [attribute('method', 'GET')],
};

/** series_id of a series in a table of its own. */
function idOf(changes: Partial<Series> = {}): bigint {
  const batch = new PointBatch();
  createSeriesTable().intern({ ...BASE, ...changes }, batch, 1n);
  return batch.seriesRows[0]!.seriesId;
}

describe('identity', () => {
  it('is the same in every table and process', () => {
    expect(idOf()).toBe(idOf());
  });

  it('changes with each field of the identity', () => {
    const changes: Partial<Series>[] = [
      {},
      { resource: [] },
      { resource: [attribute('service.name', 'other')] },
      { resource: [attribute('service.name', 'shop'), attribute('x', '')] },
      { scopeName: 'other' },
      { scopeVersion: '2' },
      { scopeAttributes: [attribute('x', 'y')] },
      { metricName: 'other' },
      { unit: 's' },
      { type: 'gauge' },
      { temporality: 'delta' },
      { isMonotonic: false },
      { attributes: [] },
      { attributes: [attribute('method', 'POST')] },
      { attributes: [attribute('methods', 'GET')] },
      { attributes: [attribute('method', 'GET', 'bytes')] },
      { attributes: [attribute('method', 'GET'), attribute('x', '')] },
    ];
    expect(new Set(changes.map(idOf)).size).toBe(changes.length);
  });

  it('does not run neighbouring fields together', () => {
    const a = idOf({ scopeName: 'ab', scopeVersion: 'c' });
    expect(idOf({ scopeName: 'a', scopeVersion: 'bc' })).not.toBe(a);
    const one = idOf({ attributes: [attribute('a', 'b'), attribute('c', 'd')] });
    expect(idOf({ attributes: [attribute('a', 'bstringcstringd')] })).not.toBe(one);
    const moved = idOf({ resource: [...BASE.resource, ...BASE.attributes], attributes: [] });
    expect(moved).not.toBe(idOf());
  });

  it('is not touched by description, schema URLs and metadata', () => {
    const same: Partial<Series>[] = [
      { description: 'other' },
      { resourceSchemaUrl: 'https://opentelemetry.io/schemas/1.30.0' },
      { scopeSchemaUrl: 'https://opentelemetry.io/schemas/1.30.0' },
      { metadata: [attribute('x', 'y')] },
    ];
    for (const changes of same) expect(idOf(changes), Object.keys(changes)[0]).toBe(idOf());
  });

  it('begins with 12 bits of the metric name, so that series of a metric are stored together', () => {
    const prefix = (id: bigint) => id >> 52n;
    expect(prefix(idOf({ unit: 's', attributes: [] }))).toBe(prefix(idOf()));
    const names = Array.from({ length: 50 }, (_, i) => prefix(idOf({ metricName: `m${i}` })));
    expect(new Set(names).size).toBeGreaterThan(45);
  });
});

describe('identity of decoded points', () => {
  const attributes = ['a', 'b', 'c'].map((key) => stringAttribute(key, key));
  const idsOf = (...metrics: Parameters<typeof request>) =>
    decode(toProtobuf(request(...metrics)), 'protobuf').rows.series.map((row) => row.series_id);

  it('does not depend on the order of attributes, nor on earlier values of a key sent twice', () => {
    const twice = [stringAttribute('a', 'earlier'), ...attributes];
    const ids = idsOf(
      gauge(numberPoint({ attributes }), numberPoint({ attributes: [...attributes].reverse() })),
      gauge(numberPoint({ attributes: twice })),
    );
    expect(ids).toHaveLength(1);
  });

  it('is the same for integer and double values, and for other bounds and scales', () => {
    expect(idsOf(gauge(numberPoint({ asInt: 1n }), numberPoint({ asDouble: 1 })))).toHaveLength(1);
    expect(
      idsOf(
        histogram({ explicitBounds: [1], bucketCounts: [1n, 2n] }),
        histogram({ explicitBounds: [2], bucketCounts: [1n, 2n] }),
      ),
    ).toHaveLength(1);
  });

  it('tells an attribute without a value from an empty text, and 1 from "1"', () => {
    const values = [{}, { stringValue: '' }, { stringValue: '1' }, { intValue: 1n }, { doubleValue: 1 }];
    const points = values.map((value) => numberPoint({ attributes: [{ key: 'a', value }] }));
    expect(new Set(idsOf(gauge(...points))).size).toBe(values.length);
  });
});

describe('rows', () => {
  it('of a series are written once, and again for each change of its description, also back to an earlier one', () => {
    const table = createSeriesTable();
    const described = (description: string) => toProtobuf(request({ ...gauge(numberPoint()), description }));
    const written = ['A', 'A', 'B', 'B', 'A', 'A'].map((description) =>
      decode(described(description), 'protobuf', { series: table }).rows.series.map(
        (row) => row.series.description,
      ),
    );
    expect(written).toEqual([['A'], [], ['B'], [], ['A'], []]);
    expect(table.size).toBe(1);
  });

  it('carry the service, the component, the classification and when the series was seen', () => {
    const batch = new PointBatch();
    const table = createSeriesTable();
    const component = attribute('service.component', 'cart');
    table.intern(BASE, batch, 7n);
    table.intern({ ...BASE, scopeName: '', resource: [component] }, batch, 8n);
    table.intern({ ...BASE, scopeName: '', resource: [] }, batch, 9n);
    expect(batch.seriesRows.map((r) => [r.sourceSystem, r.sourceComponent, r.seenAtUnixNano])).toEqual([
      ['shop', 'lib', 7n],
      ['unknown_service', 'cart', 8n],
      ['unknown_service', '', 9n],
    ]);
    expect(batch.seriesRows[0]!.classification).toEqual(classifyForTests(BASE));
  });

  it('that never reached the spool are written the next time, others are not', () => {
    const table = createSeriesTable();
    const bytes = toProtobuf(request(gauge(numberPoint()), { ...gauge(numberPoint()), name: 'b' }));
    const batch = new PointBatch();
    decode(bytes, 'protobuf', { series: table, batch });
    table.forgetWritten(batch.seriesRows.filter((row) => row.series.metricName === 'b'));
    const again = decode(bytes, 'protobuf', { series: table });
    expect(again.rows.series.map((row) => row.series.metricName)).toEqual(['b']);
    expect(table.size).toBe(2);
    expect(decode(bytes, 'protobuf', { series: table }).rows.series).toEqual([]);
  });

  it('that may be lost with a segment are all written the next time, and keep their places', () => {
    const table = createSeriesTable();
    const bytes = toProtobuf(request(gauge(numberPoint()), { ...gauge(numberPoint()), name: 'b' }));
    expect(decode(bytes, 'protobuf', { series: table }).rows.series.length).toBe(2);
    table.forgetAllWritten();
    expect(table.size).toBe(2);
    expect(decode(bytes, 'protobuf', { series: table }).rows.series.length).toBe(2);
    expect(decode(bytes, 'protobuf', { series: table }).rows.series).toEqual([]);
  });
});

describe('limits', () => {
  const hosts = (count: number) =>
    toProtobuf(
      request(
        gauge(
          ...Array.from({ length: count }, (_, i) =>
            numberPoint({ attributes: [stringAttribute('host', `h${i}`)] }),
          ),
        ),
      ),
    );

  it('a table that grew beyond its limit is emptied between requests and never during one', () => {
    const table = createSeriesTable(100);
    const first = decode(hosts(5_000), 'protobuf', { series: table });
    expect(new Set(first.rows.numbers.map((row) => row.series)).size).toBe(5_000);
    expect(table.size).toBe(5_000);
    table.trim();
    expect(table.size).toBe(0);
    const again = decode(hosts(50), 'protobuf', { series: table });
    expect(again.rows.series).toEqual(first.rows.series.slice(0, 50));
    table.trim();
    expect(table.size).toBe(50);
    expect(decode(hosts(50), 'protobuf', { series: table }).rows.series).toEqual([]);
  });

  it('many byte forms of few series are forgotten beyond the limit, the series are not', () => {
    const table = createSeriesTable(100);
    for (let i = 0; i < 60; i++) {
      const padding = { key: 'a', value: { stringValue: 'x' }, keyStrindex: i + 1 };
      decode(toProtobuf(request(gauge(numberPoint({ attributes: [padding] })))), 'protobuf', {
        series: table,
      });
    }
    table.trim();
    expect(table.size).toBe(1);
    for (let i = 60; i < 120; i++) {
      const padding = { key: 'a', value: { stringValue: 'x' }, keyStrindex: i + 1 };
      decode(toProtobuf(request(gauge(numberPoint({ attributes: [padding] })))), 'protobuf', {
        series: table,
      });
    }
    table.trim();
    // The byte forms are forgotten, the series is not: it keeps its place, and its row is not written again.
    const plain = { key: 'a', value: { stringValue: 'x' }, keyStrindex: 1 };
    const again = decode(toProtobuf(request(gauge(numberPoint({ attributes: [plain] })))), 'protobuf', {
      series: table,
    });
    expect([table.size, again.rows.series]).toEqual([1, []]);
  });

  it('forgetting all is like starting anew: every row is written again', () => {
    const table = createSeriesTable();
    const first = decode(hosts(10), 'protobuf', { series: table });
    table.forgetAll();
    expect(decode(hosts(10), 'protobuf', { series: table })).toEqual(first);
  });
});
