/**
 * Fidelity: a random request goes in over the socket, over HTTP or gRPC, and an equal one is put together again from
 * what SQL answers. What need not come back is written down in docs/decisions/0010-fidelity.md.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { encodeVaried, seededRandom } from '../testkit/otlp-encoding.js';
import { encodeJson } from '../testkit/otlp-json.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';
import { listPoints } from '../testkit/request-points.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { readStoredRequest } from '../testkit/stored-requests.js';
import { validRequest } from '../testkit/valid-requests.js';
import { line } from './line.js';

const CASES = 1_200;
const BATCH = 300;
const SEED = 20_261_124;

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_ROLLUP_DELAY_MS: '600000' });
});
afterAll(() => receiver.stop());

/** In one of the forms that mean the same: over HTTP in protobuf or JSON, or over gRPC. */
async function send(request: OtlpMessage, caseNumber: number): Promise<void> {
  const random = seededRandom(caseNumber);
  if (caseNumber % 3 === 1) {
    expect(await receiver.call(encodeVaried(EXPORT_REQUEST_TYPE, request, random))).toHaveLength(0);
    return;
  }
  const encoding = caseNumber % 3 === 0 ? 'json' : 'protobuf';
  const encode = encoding === 'json' ? encodeJson : encodeVaried;
  const { status, bytes } = await receiver.post(encode(EXPORT_REQUEST_TYPE, request, random), encoding);
  expect([status, bytes.toString()]).toEqual([200, encoding === 'json' ? '{}' : '']);
}

describe('fidelity', () => {
  line(
    'kept.round-trip',
    `${CASES} random requests of every type`,
    async () => {
      const requests = Array.from(
        { length: CASES },
        (_, i) => fc.sample(validRequest(i), { seed: SEED + i, numRuns: 1 })[0]!,
      );
      let points = 0;
      for (let from = 0; from < CASES; from += BATCH) {
        const batch = requests.slice(from, from + BATCH);
        await Promise.all(batch.map((request, i) => send(request, from + i)));
        const where = `toInt64(resource_attributes['case']) >= ${from}`;
        const stored = await readStoredRequest((sql) => receiver.stored(sql), where);
        const sent = batch.flatMap(listPoints).sort();
        points += sent.length;
        expectEqualLists(listPoints(stored), sent);
      }
      expect(points).toBeGreaterThan(5 * CASES);
    },
    240_000,
  );
});

/** The first difference, because thousands of points are no message. */
function expectEqualLists(actual: string[], expected: string[]): void {
  const at = expected.findIndex((text, i) => text !== actual[i]);
  const lost = expected.filter((text) => !actual.includes(text));
  if (at >= 0 || actual.length !== expected.length) {
    expect({ lost: lost.length, of: expected.length, found: actual[at] }).toEqual({
      lost: 0,
      of: expected.length,
      found: expected[at],
    });
  }
}
