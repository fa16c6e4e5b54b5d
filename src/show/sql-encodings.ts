/**
 * How an answer is packed for its way: in ClickHouse's own blocks (`compress=1`), and in what HTTP names
 * (`Accept-Encoding`, where `enable_http_compression=1` asks for it too). Both may be asked for; the blocks are then inside.
 * zstd is not among them: Node 20 cannot write it.
 */
import type { Transform } from 'node:stream';
import { constants, createBrotliCompress, createDeflate, createGzip } from 'node:zlib';
import { compress } from 'lz4-napi';
import { createBlockPacker } from './compressed-blocks.js';
import { packInPieces } from './packed-pieces.js';
import { isOn } from './sql-request.js';

export interface Packing {
  /** Value of Content-Encoding. */
  encoding: string | undefined;
  /** To be put between the answer and the response, in this order. */
  stages: Transform[];
  /** Call before the end of an answer that is cut off: its packing must not look complete either, where that can be. */
  spoilEnd: () => void;
}

/** Effort from 1 to 9. */
type Packer = (level: number, isSpoiled: () => boolean) => Transform;

const PACKERS = new Map<string, Packer>([
  ['gzip', (level) => createGzip({ level })],
  ['x-gzip', (level) => createGzip({ level })],
  ['deflate', (level) => createDeflate({ level })],
  ['br', (level) => createBrotliCompress({ params: { [constants.BROTLI_PARAM_QUALITY]: level } })],
  ['lz4', (_level, isSpoiled) => createLz4Frame(isSpoiled)],
]);
/** ClickHouse's http_zlib_compression_level. */
const LEVEL_DEFAULT = 3;

export function openPacking(
  acceptEncoding: string | undefined,
  settings: Record<string, string>,
  wantsBlocks: boolean,
): Packing {
  let isSpoiled = false;
  const spoilEnd = () => {
    isSpoiled = true;
  };
  const blocks = wantsBlocks ? [createBlockPacker(() => isSpoiled)] : [];
  const encoding = isOn(settings.enable_http_compression)
    ? chooseEncoding(acceptEncoding ?? '', PACKERS)
    : undefined;
  if (encoding === undefined) return { encoding, stages: blocks, spoilEnd };
  const level = Number(settings.http_zlib_compression_level ?? LEVEL_DEFAULT);
  const open = PACKERS.get(encoding)!;
  const stage = open(level >= 1 && level <= 9 ? level : LEVEL_DEFAULT, () => isSpoiled);
  return { encoding, stages: [...blocks, stage], spoilEnd };
}

/** The known coding that the client likes best (RFC 9110, section 12.5.3); of equal ones the first that it names. */
export function chooseEncoding(
  acceptEncoding: string,
  known: { has(name: string): boolean },
): string | undefined {
  let best: string | undefined;
  let bestWeight = 0;
  for (const part of acceptEncoding.split(',')) {
    const [name = '', ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    const weight = Number(parameters.find((text) => text.startsWith('q='))?.slice(2) ?? 1);
    if (known.has(name) && weight > bestWeight) {
      best = name;
      bestWeight = weight;
    }
  }
  return best;
}

/** Of independent blocks of up to 256 KiB, without checksums (https://github.com/lz4/lz4, lz4_Frame_format.md). */
const LZ4_FRAME_HEAD = Buffer.from('04224d186050fb', 'hex');
const LZ4_FRAME_END = Buffer.alloc(4);
/** In the length of a block: it is not packed. */
const LZ4_IS_PLAIN = 0x80000000;
/** lz4-napi puts the size of the data in front of what it packed. */
const LZ4_PREFIX_BYTES = 4;

/** A client that has seen the end of a frame may not look at how the connection ended. */
function createLz4Frame(isSpoiled: () => boolean): Transform {
  const makeTail = () => (isSpoiled() ? Buffer.alloc(0) : LZ4_FRAME_END);
  return packInPieces(packLz4FrameBlock, { head: LZ4_FRAME_HEAD, makeTail });
}

async function packLz4FrameBlock(plain: Buffer): Promise<Buffer> {
  const packed = (await compress(plain)).subarray(LZ4_PREFIX_BYTES);
  const isSmaller = packed.length < plain.length;
  const data = isSmaller ? packed : plain;
  const block = Buffer.allocUnsafe(4 + data.length);
  block.writeUInt32LE(isSmaller ? data.length : data.length + LZ4_IS_PLAIN);
  data.copy(block, 4);
  return block;
}
