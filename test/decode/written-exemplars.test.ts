/** The memory of exemplars that were written: only repeated ones are left out, and the others stay as they were, byte for byte. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeProtobuf } from '../../src/decode/protobuf-decoder.js';
import { WrittenExemplars } from '../../src/decode/written-exemplars.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { type ExemplarRow, readBatchRows } from '../testkit/batch-rows.js';
import { createSeriesTable, decode, LIMITS } from '../testkit/decode-fixture.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import {
  gauge,
  NOW_UNIX_NANO,
  numberPoint,
  request,
  stringAttribute,
  toProtobuf,
} from '../testkit/otlp-message.js';

const create = (entriesMax = 1_000_000) => new WrittenExemplars({ seed: 4711, entriesMax });

/** Few different ones, so that many are repeated: texts of no, one and two bytes of length among their attributes. */
const exemplar: fc.Arbitrary<OtlpMessage> = fc.record({
  timeUnixNano: fc.constantFrom(0n, NOW_UNIX_NANO, 2n ** 64n - 1n),
  asDouble: fc.constantFrom(0, -0, 1.5),
  traceId: fc.constantFrom(Buffer.alloc(0), Buffer.alloc(16, 1), Buffer.alloc(16, 2)),
  filteredAttributes: fc.constantFrom<OtlpMessage[]>(
    [],
    [stringAttribute('', '')],
    [stringAttribute('user', 'a')],
    [stringAttribute('usera', '')],
    [stringAttribute('user', 'x'.repeat(200)), stringAttribute('k'.repeat(130), 'b')],
  ),
});
const point: fc.Arbitrary<OtlpMessage> = fc.record({
  timeUnixNano: fc.integer({ min: 0, max: 5 }).map((ageS) => NOW_UNIX_NANO - BigInt(ageS) * 1_000_000_000n),
  attributes: fc.constantFrom<OtlpMessage[]>([], [stringAttribute('host', 'a')]),
  exemplars: fc.array(exemplar, { maxLength: 4 }),
});
const batches = fc.array(fc.array(point, { maxLength: 6 }), { minLength: 1, maxLength: 6 });

/** The rows of each batch that are left, all batches going through one PointBatch, as groups of requests do. */
function run(written: WrittenExemplars, points: readonly OtlpMessage[][]): ExemplarRow<bigint>[][] {
  const series = createSeriesTable();
  const batch = new PointBatch();
  return points.map((ofBatch) => {
    batch.clear();
    const bytes = toProtobuf(request(gauge(...ofBatch.map((fields) => numberPoint(fields)))));
    decodeProtobuf(bytes, { batch, series, limits: LIMITS, nowUnixMs: NOW_UNIX_MS });
    for (const _ of written.dropWritten(batch.exemplars));
    return readBatchRows(batch).exemplars;
  });
}

function decodeExemplars(points: readonly OtlpMessage[]): ExemplarRow<bigint>[] {
  return decode(toProtobuf(request(gauge(...points.map((fields) => numberPoint(fields))))), 'protobuf').rows
    .exemplars;
}

const identityOf = ({ pointTime: _, ...identity }: ExemplarRow<bigint>) =>
  JSON.stringify(identity, (_key, value) => (typeof value === 'bigint' ? String(value) : value));

describe('exemplars of a batch', () => {
  it('are left out where they were written with the same point or an earlier one, and stay as they were else', () => {
    fc.assert(
      fc.property(batches, (points) => {
        const smallest = new Map<string, bigint>();
        const expected = points.map((ofBatch) =>
          decodeExemplars(ofBatch).filter((row) => {
            const known = smallest.get(identityOf(row));
            if (known !== undefined && known <= row.pointTime) return false;
            smallest.set(identityOf(row), row.pointTime);
            return true;
          }),
        );
        expect(run(create(), points)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it('are written again by a memory that is too small, and never lost', () => {
    fc.assert(
      fc.property(batches, fc.integer({ min: 1, max: 3 }), (points, entriesMax) => {
        const left = run(create(entriesMax), points).flat();
        const first = new Map<string, bigint>();
        for (const row of points.flatMap(decodeExemplars)) {
          const known = first.get(identityOf(row));
          if (known === undefined || row.pointTime < known) first.set(identityOf(row), row.pointTime);
        }
        const written = new Map<string, bigint>();
        for (const row of left) {
          const known = written.get(identityOf(row));
          if (known === undefined || row.pointTime < known) written.set(identityOf(row), row.pointTime);
        }
        expect(written).toEqual(first);
      }),
      { numRuns: 300 },
    );
  });

  const at = (ageS: number, user: string): OtlpMessage => ({
    timeUnixNano: NOW_UNIX_NANO - BigInt(ageS) * 1_000_000_000n,
    exemplars: [{ timeUnixNano: 1n, asDouble: 1, filteredAttributes: [stringAttribute('user', user)] }],
  });
  const counts = (rows: ExemplarRow<bigint>[][]) => rows.map(({ length }) => length);

  it('that keep coming stay known while others come and go', () => {
    const others = Array.from({ length: 40 }, (_, i) => [at(1, `other ${i}`), at(1, 'same')]);
    expect(counts(run(create(4), [[at(2, 'same')], ...others]))).toEqual([1, ...others.map(() => 1)]);
  });

  it('count as written until they are forgotten', () => {
    const written = create();
    expect(counts(run(written, [[at(2, 'a')], [at(2, 'a')]]))).toEqual([1, 0]);
    written.forget();
    expect(counts(run(written, [[at(2, 'a')], [at(1, 'a')]]))).toEqual([1, 0]);
  });
});
