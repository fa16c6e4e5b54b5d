/**
 * Calls to the gRPC port that are wrong somewhere: message, compression, frame, headers, HTTP/2 itself. Enters: a draw;
 * leaves: a stream of an HTTP/2 session, or bytes for a socket.
 */
import { gzipSync } from 'node:zlib';
import type { Chance } from './chance.js';
import type { Corpus } from './corpus.js';
import { BYTE_MUTATIONS } from './mutate-bytes.js';
import { mutateRequest } from './mutated-request.js';

export const EXPORT_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

export interface GrpcCall {
  name: string;
  headers: Record<string, string>;
  body: Buffer;
  /** Taken back before it is complete. */
  isCancelled: boolean;
  /** The message stands in one whole frame: our own code answers, so the codes are known. */
  isWellFramed: boolean;
}
export interface GrpcBytes {
  name: string;
  bytes: Buffer;
}

export function drawGrpcAttack(
  corpus: Corpus,
  seed: number,
  number: number,
  chance: Chance,
): GrpcCall | GrpcBytes {
  const { protobuf } = corpus;
  const mutated = mutateRequest({ protobuf, json: protobuf }, seed, number);
  const names = Object.keys(ATTACKS);
  const name = chance.happens(0.4) ? 'mutated message' : chance.pick(names);
  return { name, ...ATTACKS[name]!({ message: mutated.bytes, chance }) };
}

interface Draft {
  message: Buffer;
  chance: Chance;
}
type Drawn = Omit<GrpcCall, 'name'> | Omit<GrpcBytes, 'name'>;

const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const EMPTY_SETTINGS = Buffer.from('000000040000000000', 'hex');

const ATTACKS: Record<string, (draft: Draft) => Drawn> = {
  'mutated message': ({ message }) => ({ ...call(frame(message)), isWellFramed: true }),
  'gzip, perhaps damaged': ({ message, chance }) => {
    const zipped = gzipSync(message, { level: 1 });
    const damage = chance.pick(Object.values(BYTE_MUTATIONS));
    const sent = chance.happens(0.4) ? zipped : damage(zipped, chance, zipped);
    return call(frame(sent, 1), { 'grpc-encoding': 'gzip' });
  },
  'a bomb': ({ chance }) =>
    call(frame(gzipSync(Buffer.alloc(2 ** (20 + chance.below(5)))), 1), { 'grpc-encoding': 'gzip' }),
  'length that lies': ({ message, chance }) => {
    const { length } = message;
    return call(
      frame(
        message,
        0,
        chance.pick([length + 1, Math.max(length - 1, 0), 0, length * 2 + 9, 2 ** 31, 2 ** 32 - 1]),
      ),
    );
  },
  'flag of the frame': ({ message, chance }) =>
    call(
      frame(message, chance.below(256)),
      chance.happens(0.5) ? { 'grpc-encoding': chance.pick(['gzip', 'deflate', 'zstd', '']) } : {},
    ),
  'several frames': ({ message, chance }) =>
    call(Buffer.concat(Array(2 + chance.below(4)).fill(frame(message)))),
  'no frame': () => call(Buffer.alloc(0)),
  'frame cut short': ({ message, chance }) => {
    const whole = frame(message);
    return call(whole.subarray(0, chance.below(whole.length)));
  },
  cancelled: ({ message }) => ({ ...call(frame(message)), isCancelled: true }),
  'odd headers': ({ message, chance }) => {
    const odd: Record<string, string>[] = [
      ...[
        { 'content-type': 'text/plain' },
        { 'content-type': 'application/grpc+json' },
        { te: 'x' },
        { ':path': '/' },
      ],
      ...[{ ':path': `${EXPORT_PATH}x` }, { ':path': '/a/b' }, { ':method': 'GET' }, { ':authority': '' }],
      ...[
        { 'grpc-timeout': '1n' },
        { 'grpc-timeout': '-1S' },
        { 'grpc-timeout': '99999999999H' },
        { 'grpc-timeout': 'x' },
      ],
      ...[
        { 'grpc-encoding': 'zstd' },
        { 'grpc-accept-encoding': 'x' },
        { 'x-bin': '!!!' },
        { x: 'y'.repeat(9_000) },
      ],
    ];
    return call(frame(message), chance.pick(odd));
  },
  'noise instead of HTTP/2': ({ chance }) => ({ bytes: chance.bytes(chance.size(500)) }),
  'HTTP/1 to the gRPC port': ({ message }) => ({
    bytes: Buffer.concat([
      Buffer.from(`POST ${EXPORT_PATH} HTTP/1.1\r\nHost: a\r\nContent-Length: ${message.length}\r\n\r\n`),
      message,
    ]),
  }),
  'noise after the preface': ({ chance }) => ({
    bytes: Buffer.concat([PREFACE, EMPTY_SETTINGS, chance.bytes(chance.size(500))]),
  }),
  'frames of HTTP/2 at random': ({ chance }) => ({
    bytes: Buffer.concat([
      PREFACE,
      EMPTY_SETTINGS,
      ...Array.from({ length: chance.size(40) }, () => randomFrame(chance)),
    ]),
  }),
};

function call(body: Buffer, headers: Record<string, string> = {}): Omit<GrpcCall, 'name'> {
  const usual = {
    ':method': 'POST',
    ':path': EXPORT_PATH,
    'content-type': 'application/grpc',
    te: 'trailers',
  };
  return { headers: { ...usual, ...headers }, body, isCancelled: false, isWellFramed: false };
}

/** Compressed flag, length, message. */
export function frame(message: Buffer, flag = 0, length = message.length): Buffer {
  const header = Buffer.alloc(5);
  header[0] = flag;
  header.writeUInt32BE(length >>> 0, 1);
  return Buffer.concat([header, message]);
}

function randomFrame(chance: Chance): Buffer {
  const payload = chance.bytes(chance.size(60));
  const header = Buffer.alloc(9);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = chance.below(11);
  header[4] = chance.below(256);
  header.writeUInt32BE(chance.pick([0, 1, 1, 3, 5, 2 ** 31 - 1]), 5);
  return Buffer.concat([header, payload]);
}
