/**
 * Requests that were damaged on the way: cut short anywhere, bits flipped, bytes lost or doubled, lengths enlarged. Each
 * is malformed exactly where the reference says so and then leaves nothing behind, or gives exactly the reference's rows.
 */
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { PermanentError } from '../../src/model/errors.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { renameSeries } from '../testkit/batch-rows.js';
import {
  createSeriesTable,
  type Decoded,
  decode,
  type Encoding,
  expectSame,
  LIMITS,
} from '../testkit/decode-fixture.js';
import { exportRequest, NOW_UNIX_MS } from '../testkit/otlp-arbitrary.js';
import { encodePlain, encodeVaried, type Random, seededRandom } from '../testkit/otlp-encoding.js';
import { encodeJson } from '../testkit/otlp-json.js';
import { decodeReference, EXPORT_REQUEST_TYPE, type ReferenceResult } from '../testkit/reference-decoder.js';
import { identityOf } from '../testkit/reference-series.js';

const SEED = 77_002;
const DAMAGED = 10_000;
vi.setConfig({ testTimeout: 120_000 });

const number = (random: Random, below: number) => Math.floor(random() * below);

/** One kind of damage each; `bytes` is a copy that may be changed. */
const DAMAGES: Record<string, (bytes: Buffer, random: Random) => Buffer> = {
  'bits flipped': (bytes, random) => {
    for (let i = 0; i <= number(random, 3); i++)
      bytes[number(random, bytes.length)]! ^= 1 << number(random, 8);
    return bytes;
  },
  'bytes lost': (bytes, random) => {
    const from = number(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from), bytes.subarray(from + 1 + number(random, 4))]);
  },
  'bytes doubled': (bytes, random) => {
    const from = number(random, bytes.length);
    return Buffer.concat([bytes.subarray(0, from + 1 + number(random, 20)), bytes.subarray(from)]);
  },
  'a byte made a long varint': (bytes, random) => {
    bytes[number(random, bytes.length)] = 0xff;
    return bytes;
  },
  'a small number, perhaps a length, enlarged': (bytes, random) => {
    const from = number(random, bytes.length);
    const at = bytes.findIndex((byte, i) => i >= from && byte > 0 && byte < 0x70);
    if (at >= 0) bytes[at]! += 1 + number(random, 0x7f - bytes[at]!);
    return bytes;
  },
  'a stretch of noise': (bytes, random) => {
    const from = number(random, bytes.length);
    for (let i = from; i < Math.min(bytes.length, from + 8); i++) bytes[i] = number(random, 256);
    return bytes;
  },
};

/** Decodes as the intake does: a malformed request is rolled back. */
function decodeOrRollBack(
  bytes: Uint8Array,
  encoding: Encoding,
  batch: PointBatch,
  series: ReturnType<typeof createSeriesTable>,
): Decoded | undefined {
  const mark = batch.mark();
  try {
    return decode(bytes, encoding, { batch, series });
  } catch (error) {
    expect(error).toBeInstanceOf(PermanentError);
    expect((error as PermanentError).kind).toBe('malformed');
    series.forgetWritten(batch.seriesRows.slice(mark.seriesRows));
    batch.rollback(mark);
    return undefined;
  }
}

/** Checks one damaged request, and that the whole one is decoded afterwards as if nothing had been. Was it malformed? */
function checkDamaged(damaged: Uint8Array, whole: Uint8Array, expectedOfWhole: ReferenceResult): boolean {
  const batch = new PointBatch();
  const series = createSeriesTable();
  const expected = decodeReference(damaged, LIMITS, NOW_UNIX_MS);
  const decoded = decodeOrRollBack(damaged, 'protobuf', batch, series);
  if (expected !== undefined) {
    expectSame(named(decoded!), expected);
    return false;
  }
  expect(decoded).toBeUndefined();
  expect(batch.isEmpty).toBe(true);
  expect(batch.exemplars.length).toBe(0);
  expectSame(named(decode(whole, 'protobuf', { batch, series })), expectedOfWhole);
  return true;
}

function named({ rows, ...rest }: Decoded): ReferenceResult {
  const identities = new Map(rows.series.map((row) => [row.series_id, identityOf(row.series)]));
  return { ...rest, rows: renameSeries(rows, (id) => identities.get(id)!) } as ReferenceResult;
}

describe('a damaged protobuf request', () => {
  it('cut short at any position is malformed or a shorter request, as the reference says', () => {
    let cuts = 0;
    let malformed = 0;
    for (const request of fc.sample(exportRequest, { seed: SEED, numRuns: 13 })) {
      const whole = encodePlain(EXPORT_REQUEST_TYPE, request);
      const expected = decodeReference(whole, LIMITS, NOW_UNIX_MS)!;
      for (let length = 0; length < whole.length; length++, cuts++) {
        if (checkDamaged(whole.subarray(0, length), whole, expected)) malformed++;
      }
    }
    expect(cuts).toBeGreaterThan(10_000);
    expect(malformed).toBeGreaterThan(cuts * 0.9);
  });

  it(`damaged at random, ${DAMAGED} times, is malformed or another request, as the reference says`, () => {
    const outcomes = new Map<string, number>();
    const kinds = Object.keys(DAMAGES);
    const damage = fc.record({ kind: fc.constantFrom(...kinds), seed: fc.integer() });
    fc.assert(
      fc.property(exportRequest, damage, (request, { kind, seed }) => {
        const random = seededRandom(seed);
        const whole = encodeVaried(EXPORT_REQUEST_TYPE, request, random);
        if (whole.length === 0) return;
        const damaged = DAMAGES[kind]!(Buffer.from(whole), random);
        const isMalformed = checkDamaged(damaged, whole, decodeReference(whole, LIMITS, NOW_UNIX_MS)!);
        const outcome = `${kind}: ${isMalformed ? 'malformed' : 'decoded'}`;
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }),
      { seed: SEED, numRuns: DAMAGED },
    );
    // Every kind of damage led to either end, often enough to mean something.
    for (const kind of kinds) {
      expect(outcomes.get(`${kind}: malformed`), kind).toBeGreaterThan(10);
      expect(outcomes.get(`${kind}: decoded`), kind).toBeGreaterThan(10);
    }
  });
});

describe('a damaged JSON request', () => {
  it('cut short at any position is malformed and leaves nothing behind', () => {
    let cuts = 0;
    for (const request of fc.sample(exportRequest, { seed: SEED, numRuns: 6 })) {
      const whole = encodeJson(EXPORT_REQUEST_TYPE, request);
      const expected = decode(whole, 'json');
      const batch = new PointBatch();
      const series = createSeriesTable();
      for (let length = 0; length < whole.length; length++, cuts++) {
        expect(decodeOrRollBack(whole.subarray(0, length), 'json', batch, series)).toBeUndefined();
      }
      expect(batch.isEmpty).toBe(true);
      expectSame(decode(whole, 'json', { batch, series }), expected);
    }
    expect(cuts).toBeGreaterThan(10_000);
  });

  it('damaged at random is malformed where JSON.parse says so, and never fails otherwise', () => {
    const outcomes = { notJson: 0, notOtlp: 0, decoded: 0 };
    const damage = fc.record({ kind: fc.constantFrom(...Object.keys(DAMAGES)), seed: fc.integer() });
    fc.assert(
      fc.property(exportRequest, damage, (request, { kind, seed }) => {
        const random = seededRandom(seed);
        const damaged = DAMAGES[kind]!(encodeJson(EXPORT_REQUEST_TYPE, request, random), random);
        const batch = new PointBatch();
        const decoded = decodeOrRollBack(damaged, 'json', batch, createSeriesTable());
        if (!isJson(damaged)) {
          expect(decoded).toBeUndefined();
          outcomes.notJson++;
        } else outcomes[decoded === undefined ? 'notOtlp' : 'decoded']++;
        if (decoded === undefined) expect(batch.isEmpty).toBe(true);
      }),
      { seed: SEED, numRuns: 5_000 },
    );
    expect(Math.min(...Object.values(outcomes))).toBeGreaterThan(20);
  });
});

function isJson(bytes: Uint8Array): boolean {
  try {
    JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
    return true;
  } catch {
    return false;
  }
}
