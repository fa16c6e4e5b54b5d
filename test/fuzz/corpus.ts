/**
 * What a fuzz run mutates: valid and nearly valid requests of every shape, each in protobuf and JSON. Enters: a seed and
 * the time its points are to have; leaves: bytes.
 */
import fc from 'fast-check';
import { exportRequest, NOW_UNIX_MS, type OtlpMessage, type OtlpValue } from '../testkit/otlp-arbitrary.js';
import { encodePlain, encodeVaried, seededRandom } from '../testkit/otlp-encoding.js';
import { encodeJson } from '../testkit/otlp-json.js';
import { buildSdkRequest, buildTsbsRequest } from '../testkit/otlp-workload.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';

export interface Corpus {
  protobuf: Buffer[];
  json: Buffer[];
}

/** Larger requests are left out: a run is worth more with more of the small ones. */
const REQUEST_BYTES_MAX = { protobuf: 1_500, json: 3_000 };

export function buildCorpus(seed: number, size: number, nowUnixMs = NOW_UNIX_MS): Corpus {
  const shiftNano = BigInt(nowUnixMs - NOW_UNIX_MS) * 1_000_000n;
  const requests = fc
    .sample(exportRequest, { seed, numRuns: size })
    .map((request) => shiftTimes(request, shiftNano) as OtlpMessage);
  const corpus: Corpus = { protobuf: [], json: [] };
  requests.forEach((request, i) => {
    const random = seededRandom(seed + i);
    const isPlain = i % 2 === 0;
    corpus.protobuf.push(
      isPlain
        ? encodePlain(EXPORT_REQUEST_TYPE, request)
        : encodeVaried(EXPORT_REQUEST_TYPE, request, random),
    );
    corpus.json.push(encodeJson(EXPORT_REQUEST_TYPE, request, isPlain ? undefined : random));
  });
  const fits = (bytes: Buffer, bytesMax: number) => bytes.length > 0 && bytes.length <= bytesMax;
  const timeUnixNano = BigInt(nowUnixMs) * 1_000_000n;
  const workload = {
    timeUnixNano,
    startUnixNano: timeUnixNano - 60_000_000_000n,
    host: 1,
    random: () => 0.5,
  };
  return {
    protobuf: [
      ...corpus.protobuf.filter((bytes) => fits(bytes, REQUEST_BYTES_MAX.protobuf)),
      buildSdkRequest({ ...workload, points: 10 }),
      buildTsbsRequest({ ...workload, points: 30 }),
    ],
    json: corpus.json.filter((bytes) => fits(bytes, REQUEST_BYTES_MAX.json)),
  };
}

/** Times lie around the clock of the generator; others (0, the largest) mean something as they are. */
function shiftTimes(value: OtlpValue, shiftNano: bigint, name = ''): OtlpValue {
  if (typeof value === 'bigint') {
    const isTime = name.endsWith('UnixNano') && value > 10n ** 18n && value < 4n * 10n ** 18n;
    return isTime ? value + shiftNano : value;
  }
  if (Array.isArray(value)) return value.map((item) => shiftTimes(item, shiftNano, name));
  if (typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, shiftTimes(inner, shiftNano, key)]),
  );
}
