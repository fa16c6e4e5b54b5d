/** Bodies as a sender may compress them, whole or damaged, and small ones that expand without end. */
import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import type { Chance } from './chance.js';
import { BYTE_MUTATIONS } from './mutate-bytes.js';

export interface Compressed {
  encoding: string;
  body: Buffer;
}

/** Where compression is a label only, or is damaged, the server must say so and go on. */
export function compress(body: Buffer, chance: Chance): Compressed {
  const encoding = chance.pick(['gzip', 'gzip', 'deflate', 'zstd']);
  const whole = chance.happens(0.1) ? bomb(encoding, chance) : pack(body, encoding, chance);
  if (chance.happens(0.5) || whole.length === 0) return { encoding, body: whole };
  const damage = chance.pick(Object.values(BYTE_MUTATIONS));
  return { encoding, body: damage(whole, chance, pack(body, encoding, chance)) };
}

function pack(body: Buffer, encoding: string, chance: Chance): Buffer {
  if (encoding === 'zstd') return storeAsZstd([{ content: body, times: body.length, isRun: false }]);
  if (encoding === 'deflate') return chance.happens(0.2) ? deflateRawSync(body) : deflateSync(body);
  // Several members one after the other are one gzip file.
  const cut = chance.happens(0.2) ? chance.below(body.length + 1) : body.length;
  const members = [body.subarray(0, cut), body.subarray(cut)].filter((part) => part.length > 0);
  return Buffer.concat(members.map((part) => gzipSync(part, { level: 1 })));
}

/** Zeros, far more than the server takes. */
function bomb(encoding: string, chance: Chance): Buffer {
  const bytes = 2 ** (20 + chance.below(5));
  if (encoding === 'zstd') {
    const blocks = Array.from({ length: bytes / ZSTD_BLOCK_BYTES_MAX }, () => ({
      content: Buffer.from([0]),
      times: ZSTD_BLOCK_BYTES_MAX,
      isRun: true,
    }));
    return storeAsZstd(blocks);
  }
  const zeros = Buffer.alloc(bytes);
  return encoding === 'gzip' ? gzipSync(zeros, { level: 1 }) : deflateSync(zeros, { level: 1 });
}

const ZSTD_BLOCK_BYTES_MAX = 128 * 1024;

/** A frame of RFC 8878 with raw and run-length blocks only: Node 20 has no zstd of its own. */
function storeAsZstd(blocks: { content: Buffer; times: number; isRun: boolean }[]): Buffer {
  const header = Buffer.alloc(9);
  header.writeUInt32LE(0xfd2fb528);
  header[4] = 0xa0; // one segment, its size in four bytes
  header.writeUInt32LE(
    blocks.reduce((sum, { times }) => sum + times, 0),
    5,
  );
  const encoded = blocks.map(({ content, times, isRun }, i) => {
    const block = Buffer.alloc(3);
    block.writeUIntLE((i === blocks.length - 1 ? 1 : 0) | (isRun ? 2 : 0) | (times << 3), 0, 3);
    return Buffer.concat([block, content]);
  });
  return Buffer.concat([header, ...encoded]);
}
