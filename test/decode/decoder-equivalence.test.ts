/**
 * Three decoders, one meaning: on thousands of generated requests the protobuf decoder agrees with the reference on
 * every column, rejection and series, and the JSON decoder with the protobuf decoder.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { renameSeries } from '../testkit/batch-rows.js';
import { createSeriesTable, type Decoded, decode, expectSame, LIMITS } from '../testkit/decode-fixture.js';
import { exportRequest, NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { encodePlain, encodeVaried, seededRandom } from '../testkit/otlp-encoding.js';
import { encodeJson } from '../testkit/otlp-json.js';
import { decodeReference, EXPORT_REQUEST_TYPE, type ReferenceResult } from '../testkit/reference-decoder.js';
import { identityOf, ReferenceSeries } from '../testkit/reference-series.js';

vi.setConfig({ testTimeout: 120_000 });
const SEED = 20_240_601;
const PROTOBUF_RUNS = 10_000;
const SHARED_RUNS = 2_000;
const JSON_RUNS = 3_000;

/** The same seed gives the same runs for ever. */
const runs = (numRuns: number) => ({ seed: SEED, numRuns, endOnFailure: false });
const variation = fc.integer({ min: 0, max: 2 ** 31 });
const depth = fc.constantFrom(16, 16, 0, 1, 2, 3);

/** Both ways between series_id and identity, over all requests of a test. */
class Identities {
  private readonly byId = new Map<bigint, string>();
  private readonly ids = new Map<string, bigint>();

  learn(decoded: Decoded): void {
    for (const { series_id: id, series } of decoded.rows.series) {
      const identity = identityOf(series);
      expect(this.byId.get(id) ?? identity).toBe(identity);
      expect(this.ids.get(identity) ?? id).toBe(id);
      this.byId.set(id, identity);
      this.ids.set(identity, id);
    }
  }

  /** The decoder's result in the words of the reference. */
  name({ rows, ...rest }: Decoded): ReferenceResult {
    return { ...rest, rows: renameSeries(rows, (id) => this.byId.get(id)!) } as ReferenceResult;
  }

  get size(): number {
    return this.byId.size;
  }
}

describe('protobuf decoder and reference', () => {
  it(`agree on ${PROTOBUF_RUNS} requests in any form that protobuf allows`, () => {
    const identities = new Identities();
    const seen = new Set<string>();
    fc.assert(
      fc.property(exportRequest, variation, depth, (request, seed, attributeDepthMax) => {
        const bytes = encodeVaried(EXPORT_REQUEST_TYPE, request, seededRandom(seed));
        const limits = { ...LIMITS, attributeDepthMax };
        const decoded = decode(bytes, 'protobuf', { limits });
        identities.learn(decoded);
        expectSame(identities.name(decoded), decodeReference(bytes, limits, NOW_UNIX_MS));
        note(seen, decoded);
      }),
      runs(PROTOBUF_RUNS),
    );
    expect(identities.size).toBeGreaterThan(3_000);
    expect([...seen].sort()).toEqual(EVERYTHING);
  });

  it('agree when one table serves all requests, so that most series are known by the hash of their bytes', () => {
    const identities = new Identities();
    const series = createSeriesTable();
    const reference = new ReferenceSeries();
    let rows = 0;
    fc.assert(
      fc.property(exportRequest, variation, (request, seed) => {
        const bytes = encodeVaried(EXPORT_REQUEST_TYPE, request, seededRandom(seed));
        // Twice: the second time every byte is known.
        for (let i = 0; i < 2; i++) {
          const decoded = decode(bytes, 'protobuf', { series });
          identities.learn(decoded);
          const expected = decodeReference(bytes, LIMITS, NOW_UNIX_MS, reference);
          expectSame(identities.name(decoded), expected);
          rows += decoded.rows.series.length;
        }
      }),
      runs(SHARED_RUNS),
    );
    // Some rows are of series known before, whose description changed.
    expect(rows).toBeGreaterThan(identities.size);
    expect(identities.size).toBe(series.size);
  });

  it('give the same rows whatever form of protobuf the same request comes in', () => {
    fc.assert(
      fc.property(exportRequest, variation, (request, seed) => {
        const varied = decode(encodeVaried(EXPORT_REQUEST_TYPE, request, seededRandom(seed)), 'protobuf');
        expectSame(varied, decode(encodePlain(EXPORT_REQUEST_TYPE, request), 'protobuf'));
      }),
      runs(500),
    );
  });
});

describe('JSON decoder and protobuf decoder', () => {
  it(`agree on ${JSON_RUNS} requests in any form that OTLP/JSON allows`, () => {
    fc.assert(
      fc.property(exportRequest, variation, depth, (request, seed, attributeDepthMax) => {
        const limits = { ...LIMITS, attributeDepthMax };
        const fromProtobuf = decode(encodePlain(EXPORT_REQUEST_TYPE, request), 'protobuf', { limits });
        expectSame(decode(json(request, seed), 'json', { limits }), fromProtobuf);
        expectSame(decode(json(request), 'json', { limits }), fromProtobuf);
      }),
      runs(JSON_RUNS),
    );
  });

  it('find the same series, whichever of them saw it first', () => {
    fc.assert(
      fc.property(exportRequest, (request) => {
        const series = createSeriesTable();
        const first = decode(json(request), 'json', { series });
        const second = decode(encodePlain(EXPORT_REQUEST_TYPE, request), 'protobuf', { series });
        const third = decode(json(request), 'json', { series });
        expect({ ...second, rows: { ...second.rows, series: [] } }).toEqual({
          ...first,
          rows: { ...first.rows, series: [] },
        });
        expectSame(third, second);
      }),
      runs(500),
    );
  });
});

function json(request: OtlpMessage, seed?: number): Buffer {
  return encodeJson(EXPORT_REQUEST_TYPE, request, seed === undefined ? undefined : seededRandom(seed));
}

/** What the generated requests must have held, so that agreeing on them means something. */
const EVERYTHING = [
  'exemplar with ID',
  'exemplar without ID',
  'exponentialHistograms',
  'histograms',
  'no recorded value',
  'numbers',
  ...[
    'attribute_depth_exceeded',
    'bounds_not_increasing',
    'bucket_counts_mismatch',
    'bucket_index_out_of_range',
    'metric_without_name',
    'quantiles_invalid',
    'scale_out_of_range',
    'temporality_unspecified',
    'conflicting_point',
    'time_in_future',
    'time_too_old',
    'time_zero',
    'value_missing',
  ].map((reason) => `rejected: ${reason}`),
  ...['count_above_buckets', 'count_below_buckets', 'start_after_time'].map((reason) => `flagged: ${reason}`),
  ...['array', 'bool', 'bytes', 'double', 'empty', 'int', 'kvlist', 'string'].map(
    (type) => `series with ${type}`,
  ),
  'summaries',
  'sum unset',
].sort();

function note(seen: Set<string>, { rows, rejections, flagged = [] }: Decoded): void {
  for (const kind of ['numbers', 'histograms', 'exponentialHistograms', 'summaries'] as const) {
    if (rows[kind].length > 0) seen.add(kind);
    if (rows[kind].some((row) => (row.flags & 1) === 1)) seen.add('no recorded value');
  }
  for (const { traceId } of rows.exemplars)
    seen.add(/[^0]/.test(traceId) ? 'exemplar with ID' : 'exemplar without ID');
  if (rows.histograms.some((row) => row.sum === null && row.flags === 0)) seen.add('sum unset');
  for (const { reason } of rejections) seen.add(`rejected: ${reason}`);
  for (const { reason } of flagged) seen.add(`flagged: ${reason}`);
  for (const { series } of rows.series)
    for (const { type } of series.attributes) seen.add(`series with ${type}`);
}
