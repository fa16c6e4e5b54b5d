/**
 * The frames and blocks of an lz4 body (https://github.com/lz4/lz4, lz4_Frame_format.md), without decompressing anything.
 * Enters: the body; leaves: where its blocks are and the most bytes they can become, so that what is too large or cut short
 * is refused before memory is given to it.
 */
import { xxh32 } from './checksums.js';

const FRAME_MAGIC = 0x184d2204;
const SKIPPABLE_MAGIC = 0x184d2a50;
const UNCOMPRESSED_FLAG = 0x80000000;
/** Most blocks and frames of a body: walking them takes time. */
const BLOCKS_MAX = 1_000_000;
/** No block becomes more than so many times its own length. */
const EXPANSION_MAX = 255;

export interface Lz4Frame {
  /** Where the head of the first block is, and where that of the end mark. */
  start: number;
  end: number;
  isIndependent: boolean;
  hasBlockChecksums: boolean;
  /** Of the whole content, where the frame has one. */
  checksum: number | undefined;
  /** Bytes of content, where the frame says how many. */
  contentBytes: number | undefined;
  blockBytesMax: number;
}

export interface Lz4Size {
  frames: Lz4Frame[];
  /** No body of this structure becomes more than this, bytes. */
  plainBytesMax: number;
}

/** @throws Error saying what is wrong: no frame, a frame cut short, a structure that cannot be. */
export function measureLz4(body: Buffer): Lz4Size {
  const size: Lz4Size = { frames: [], plainBytesMax: 0 };
  const counted = { blocks: 0 };
  if (body.length === 0) throw new Error('it is empty');
  for (let at = 0; at < body.length; ) {
    countBlock(counted);
    const magic = readUInt32(body, at);
    if (magic === FRAME_MAGIC) at = measureFrame(body, at + 4, size, counted);
    else if ((magic & 0xfffffff0) >>> 0 === SKIPPABLE_MAGIC) at += 8 + readUInt32(body, at + 4);
    else throw new Error(at === 0 ? 'it does not start with a frame' : 'there are bytes after its end');
    if (at > body.length) throw new Error('it is cut short');
  }
  return size;
}

/** Returns where the frame ends. */
function measureFrame(body: Buffer, at: number, size: Lz4Size, counted: { blocks: number }): number {
  if (at + 3 > body.length) throw new Error('it is cut short');
  const flags = body[at]!;
  const descriptor = body[at + 1]!;
  const hasContentSize = (flags & 0x08) !== 0;
  if (flags >> 6 !== 1) throw new Error('its version is not 1');
  if ((flags & 0x02) !== 0 || (descriptor & 0x8f) !== 0) throw new Error('a reserved bit is set');
  if ((flags & 0x01) !== 0) throw new Error('it needs a dictionary');
  const sizeCode = descriptor >> 4;
  if (sizeCode < 4) throw new Error('its size of blocks is none of those there are');
  const checksumAt = at + 2 + (hasContentSize ? 8 : 0);
  if (checksumAt >= body.length) throw new Error('it is cut short');
  if (((xxh32(body, at, checksumAt) >> 8) & 255) !== body[checksumAt]) {
    throw new Error('the checksum of a frame is wrong');
  }
  const frame: Lz4Frame = {
    start: checksumAt + 1,
    end: checksumAt + 1,
    isIndependent: (flags & 0x20) !== 0,
    hasBlockChecksums: (flags & 0x10) !== 0,
    checksum: undefined,
    contentBytes: hasContentSize ? Number(body.readBigUInt64LE(at + 2)) : undefined,
    blockBytesMax: 1 << (8 + 2 * sizeCode),
  };
  const plainBytesMax = measureBlocks(body, frame, counted);
  if (frame.contentBytes !== undefined && frame.contentBytes > plainBytesMax) {
    throw new Error('a frame says to be larger than its blocks can be');
  }
  size.plainBytesMax += frame.contentBytes ?? plainBytesMax;
  size.frames.push(frame);
  const hasChecksum = (flags & 0x04) !== 0;
  if (hasChecksum) frame.checksum = readUInt32(body, frame.end + 4);
  return frame.end + 4 + (hasChecksum ? 4 : 0);
}

/** Sets where the blocks end; returns the most bytes that they can become. */
function measureBlocks(body: Buffer, frame: Lz4Frame, counted: { blocks: number }): number {
  let plainBytesMax = 0;
  for (;;) {
    const { bytes, isPlain, next } = readBlock(body, frame.end, frame);
    if (bytes === 0) return plainBytesMax;
    countBlock(counted);
    if (bytes > frame.blockBytesMax) throw new Error('a block is larger than its frame allows');
    plainBytesMax += isPlain ? bytes : Math.min(frame.blockBytesMax, bytes * EXPANSION_MAX);
    frame.end = next;
  }
}

/** The head of the block at `at`; 0 bytes are the end mark. @throws Error where the block is cut short. */
export function readBlock(body: Buffer, at: number, { hasBlockChecksums }: Lz4Frame) {
  const head = readUInt32(body, at);
  const bytes = (head & ~UNCOMPRESSED_FLAG) >>> 0;
  const dataAt = at + 4;
  const next = dataAt + bytes + (bytes > 0 && hasBlockChecksums ? 4 : 0);
  if (next > body.length) throw new Error('it is cut short');
  return { bytes, isPlain: (head & UNCOMPRESSED_FLAG) !== 0, dataAt, next };
}

function readUInt32(body: Buffer, at: number): number {
  if (at + 4 > body.length) throw new Error('it is cut short');
  return body.readUInt32LE(at);
}

function countBlock(counted: { blocks: number }): void {
  if (++counted.blocks > BLOCKS_MAX) throw new Error(`it has more than ${BLOCKS_MAX} blocks`);
}
