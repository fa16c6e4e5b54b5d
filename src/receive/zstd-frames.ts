/**
 * The frames and blocks of a zstd body (RFC 8878, section 3), without decompressing anything. Enters: the body; leaves:
 * the most bytes it can become, so that what is too large or cut short is refused before any memory is given to it.
 * It judges structure only; whether the content is sound is for the decoder to say.
 */

const FRAME_MAGIC = 0xfd2fb528;
const SKIPPABLE_MAGIC = 0x184d2a50;
/** Largest content of a block (section 3.1.1.2.4), bytes. */
const BLOCK_BYTES_MAX = 128 * 1024;
/** Most blocks and frames of a body: even flushed every few bytes it has fewer, and walking them takes time. */
const BLOCKS_MAX = 1_000_000;
const BLOCK_RLE = 1;
const BLOCK_COMPRESSED = 2;
const BLOCK_RESERVED = 3;

export interface ZstdSize {
  /** No body of this structure can become more than this, bytes. */
  plainBytesMax: number;
  /** True where every frame says its size, so that a sound body becomes exactly `plainBytesMax` bytes. */
  isExact: boolean;
  /** Blocks and frames. */
  blocks: number;
}

/** @throws Error saying what is wrong: no frame, a frame cut short, a structure that cannot be. */
export function measureZstd(body: Buffer): ZstdSize {
  const size: ZstdSize = { plainBytesMax: 0, isExact: true, blocks: 0 };
  if (body.length === 0) throw new Error('it is empty');
  for (let at = 0; at < body.length; ) {
    if (body.length - at < 8) throw new Error('it is cut short');
    countBlock(size);
    const magic = body.readUInt32LE(at);
    if (magic === FRAME_MAGIC) at = measureFrame(body, at + 4, size);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) at += 8 + body.readUInt32LE(at + 4);
    else throw new Error(at === 0 ? 'it does not start with a frame' : 'there are bytes after its end');
    if (at > body.length) throw new Error('it is cut short');
  }
  return size;
}

/** Returns where the frame ends; beyond the body where it is cut short. */
function measureFrame(body: Buffer, start: number, size: ZstdSize): number {
  const descriptor = body[start]!;
  const contentSizeFlag = descriptor >> 6;
  const isSingleSegment = (descriptor & 0x20) !== 0;
  const hasChecksum = (descriptor & 0x04) !== 0;
  if ((descriptor & 0x08) !== 0) throw new Error('a reserved bit is set');
  if ((descriptor & 0x03) !== 0) throw new Error('it needs a dictionary');
  const contentSizeAt = start + (isSingleSegment ? 1 : 2);
  const contentSizeBytes = contentSizeFlag === 0 ? Number(isSingleSegment) : 1 << contentSizeFlag;
  const blocksAt = contentSizeAt + contentSizeBytes;
  if (blocksAt > body.length) return blocksAt;
  const { end, plainBytesMax } = measureBlocks(body, blocksAt, size);
  if (contentSizeBytes === 0) {
    size.isExact = false;
    size.plainBytesMax += plainBytesMax;
  } else {
    const contentSize = readContentSize(body, contentSizeAt, contentSizeBytes);
    if (contentSize > plainBytesMax) throw new Error('a frame says to be larger than its blocks can be');
    // The decoder could not tell it from one that is empty.
    if (contentSize === 0 && plainBytesMax > 0) throw new Error('a frame says to be empty and is not');
    size.plainBytesMax += contentSize;
  }
  return end + (hasChecksum ? 4 : 0);
}

function readContentSize(body: Buffer, at: number, bytes: number): number {
  if (bytes === 1) return body[at]!;
  if (bytes === 2) return body.readUInt16LE(at) + 256;
  return bytes === 4 ? body.readUInt32LE(at) : Number(body.readBigUInt64LE(at));
}

function countBlock(size: ZstdSize): void {
  if (++size.blocks > BLOCKS_MAX) throw new Error(`it has more than ${BLOCKS_MAX} blocks`);
}

function measureBlocks(body: Buffer, start: number, size: ZstdSize): { end: number; plainBytesMax: number } {
  let plainBytesMax = 0;
  for (let at = start; at + 3 <= body.length; ) {
    countBlock(size);
    const header = body.readUIntLE(at, 3);
    const type = (header >> 1) & 3;
    const blockBytes = header >> 3;
    if (type === BLOCK_RESERVED) throw new Error('a block has a reserved type');
    if (blockBytes > BLOCK_BYTES_MAX) throw new Error('a block is larger than 128 KiB');
    plainBytesMax += type === BLOCK_COMPRESSED ? BLOCK_BYTES_MAX : blockBytes;
    at += 3 + (type === BLOCK_RLE ? 1 : blockBytes);
    if ((header & 1) === 1) return { end: at, plainBytesMax };
  }
  throw new Error('it is cut short');
}
