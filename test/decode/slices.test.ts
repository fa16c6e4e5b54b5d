/**
 * A request that is decoded in slices gives what it gives at once, wherever it pauses and whatever other requests are decoded
 * between; and the check that comes first finds malformed exactly what decoding at once finds malformed.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { EXPORT_REQUEST, MessageCheck } from '../../src/decode/protobuf-check.js';
import { decodeProtobufInSlices } from '../../src/decode/protobuf-decoder.js';
import type { SeriesTable } from '../../src/decode/series-table.js';
import { WireReader } from '../../src/decode/wire-reader.js';
import { Work } from '../../src/decode/work.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { readBatchRows } from '../testkit/batch-rows.js';
import { createSeriesTable, type Decoded, decode, expectSame, LIMITS } from '../testkit/decode-fixture.js';
import { exportRequest, NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { encodeVaried, seededRandom } from '../testkit/otlp-encoding.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';

const SEED = 20_021;
vi.setConfig({ testTimeout: 120_000 });

/** Throws where malformed; returns the messages in the request. */
function check(bytes: Uint8Array, fieldsPerSlice: number): number {
  const running = new MessageCheck(new WireReader(bytes), EXPORT_REQUEST, 0, bytes.length);
  while (!running.run(fieldsPerSlice));
  return running.messages;
}

function decodeInSlices(
  bytes: Uint8Array,
  perSlice: number,
  series: SeriesTable,
  between: () => void,
): Decoded {
  const batch = new PointBatch();
  const sliced = { seriesBatch: new PointBatch(), messages: check(bytes, 1) };
  const context = { batch, series, limits: LIMITS, nowUnixMs: NOW_UNIX_MS, sliced };
  const slices = decodeProtobufInSlices(bytes, context, new Work(perSlice));
  for (;;) {
    const { done, value } = slices.next();
    if (!done) {
      between();
      continue;
    }
    const { series: seriesRows } = readBatchRows(sliced.seriesBatch);
    const { accepted, rejections, flagged } = value;
    const withoutDetail = (entries: typeof rejections | typeof flagged) =>
      entries.map(({ reason, metricName, count }) => ({ reason, metricName, count }));
    return {
      accepted,
      rows: { ...readBatchRows(batch), series: seriesRows },
      rejections: withoutDetail(rejections),
      ...(flagged.length > 0 && { flagged: withoutDetail(flagged) }),
    };
  }
}

describe('a request decoded in slices', () => {
  it('gives what it gives at once, also where the same request is decoded at every pause', () => {
    let pauses = 0;
    fc.assert(
      fc.property(exportRequest, fc.integer(), fc.constantFrom(1, 50, 1_000), (request, seed, perSlice) => {
        const bytes = encodeVaried(EXPORT_REQUEST_TYPE, request, seededRandom(seed));
        const whole = decode(bytes, 'protobuf');
        expectSame(
          decodeInSlices(bytes, perSlice, createSeriesTable(), () => pauses++),
          whole,
        );
        const series = createSeriesTable();
        const again = decodeInSlices(bytes, perSlice, series, () => decode(bytes, 'protobuf', { series }));
        expectSame(
          { ...again, rows: { ...again.rows, series: [] } },
          { ...whole, rows: { ...whole.rows, series: [] } },
        );
      }),
      { seed: SEED, numRuns: 300 },
    );
    expect(pauses).toBeGreaterThan(1_000);
  });

  it('is checked first: what is malformed for one way is malformed for the other', () => {
    const found = { malformed: 0, wellFormed: 0 };
    fc.assert(
      fc.property(exportRequest, fc.integer(), fc.nat(), fc.nat(255), (request, seed, at, byte) => {
        const bytes = Buffer.from(encodeVaried(EXPORT_REQUEST_TYPE, request, seededRandom(seed)));
        if (bytes.length === 0) return;
        bytes[at % bytes.length] = byte;
        const isMalformed = throws(() => decode(bytes, 'protobuf'));
        expect(throws(() => check(bytes, 3))).toBe(isMalformed);
        found[isMalformed ? 'malformed' : 'wellFormed']++;
      }),
      { seed: SEED, numRuns: 3_000 },
    );
    expect(Math.min(found.malformed, found.wellFormed)).toBeGreaterThan(100);
  });
});

function throws(work: () => unknown): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}
