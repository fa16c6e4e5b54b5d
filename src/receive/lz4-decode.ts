/**
 * lz4 bodies to plain bytes: the frame format (lz4-frames.ts) around blocks (https://github.com/lz4/lz4,
 * lz4_Block_format.md). Enters: a body; leaves: its content, checksums verified, never more than the limit. Large bodies
 * are decoded in slices, between which others have the event loop.
 */
import { Xxh32, xxh32 } from './checksums.js';
import { malformed, tooLarge } from './decompress.js';
import type { InflightShare } from './inflight-bytes.js';
import { copyMatch, pause, SLICE_BYTES } from './lz-output.js';
import { type Lz4Frame, type Lz4Size, measureLz4, readBlock } from './lz4-frames.js';

/** Shortest repetition of the block format, bytes. */
const MATCH_BYTES_MIN = 4;

/** There is no room for what the body becomes. */
class OutOfRoomError extends Error {}

/** @param bytesMax Largest result, bytes. @param share Counts the result; the caller gives it back. */
export async function decodeLz4(wire: Buffer, bytesMax: number, share: InflightShare): Promise<Buffer> {
  const { frames, plainBytesMax } = measure(wire);
  const isExact = frames.every(({ contentBytes }) => contentBytes !== undefined);
  if (isExact && plainBytesMax > bytesMax) throw tooLarge('decompressed ', bytesMax);
  const room = Math.min(plainBytesMax, bytesMax);
  // What is not used of the room is given back with the rest when the request ends.
  share.add(room);
  const out = Buffer.allocUnsafe(room);
  let made = 0;
  try {
    for (const frame of frames) made = await decodeFrame(wire, frame, out, made);
  } catch (error) {
    if (error instanceof OutOfRoomError && plainBytesMax > bytesMax) {
      throw tooLarge('decompressed ', bytesMax);
    }
    throw malformed('lz4', error as Error);
  }
  return out.subarray(0, made);
}

function measure(wire: Buffer): Lz4Size {
  try {
    return measureLz4(wire);
  } catch (error) {
    throw malformed('lz4', error as Error);
  }
}

/** Returns where the content of the frame ends in `out`. */
async function decodeFrame(wire: Buffer, frame: Lz4Frame, out: Buffer, outAt: number): Promise<number> {
  let made = outAt;
  let pauseAt = made + SLICE_BYTES;
  for (let at = frame.start; at < frame.end; ) {
    const { bytes, isPlain, dataAt, next } = readBlock(wire, at, frame);
    const end = dataAt + bytes;
    if (frame.hasBlockChecksums && xxh32(wire, dataAt, end) !== wire.readUInt32LE(end)) {
      throw new Error('the checksum of a block is wrong');
    }
    if (isPlain) {
      if (made + bytes > out.length) throw new OutOfRoomError('it is longer than it can be');
      made += wire.copy(out, made, dataAt, end);
    } else {
      made = decodeBlock(wire, dataAt, end, out, made, {
        historyAt: frame.isIndependent ? made : outAt,
        bytesMax: frame.blockBytesMax,
      });
    }
    at = next;
    if (made >= pauseAt) {
      await pause();
      pauseAt = made + SLICE_BYTES;
    }
  }
  if (frame.contentBytes !== undefined && frame.contentBytes !== made - outAt) {
    throw new Error('a frame is not as long as it says');
  }
  if (frame.checksum !== undefined && frame.checksum !== (await hashInSlices(out, outAt, made))) {
    throw new Error('the checksum of a frame is wrong');
  }
  return made;
}

interface BlockBounds {
  /** Repetitions may not reach before this. */
  historyAt: number;
  bytesMax: number;
}

/** One block, at most 4 MiB; returns where its content ends in `out`. */
function decodeBlock(
  wire: Buffer,
  start: number,
  end: number,
  out: Buffer,
  outAt: number,
  { historyAt, bytesMax }: BlockBounds,
): number {
  const outEnd = Math.min(out.length, outAt + bytesMax);
  let at = start;
  let made = outAt;
  for (;;) {
    if (at >= end) throw new Error('a block is cut short');
    const token = wire[at++]!;
    let literals = token >> 4;
    if (literals === 15) {
      let more: number;
      do {
        if (at >= end) throw new Error('a block is cut short');
        more = wire[at++]!;
        literals += more;
      } while (more === 255);
    }
    if (at + literals > end) throw new Error('a block is cut short');
    if (made + literals > outEnd) throw new OutOfRoomError('a block is longer than it can be');
    if (literals <= 16) for (let i = 0; i < literals; i++) out[made + i] = wire[at + i]!;
    else wire.copy(out, made, at, at + literals);
    at += literals;
    made += literals;
    // The last sequence has literals only.
    if (at === end) return made;
    if (at + 2 > end) throw new Error('a block is cut short');
    const offset = wire[at]! | (wire[at + 1]! << 8);
    at += 2;
    if (offset === 0 || offset > made - historyAt) throw new Error('a copy points before its start');
    let bytes = (token & 15) + MATCH_BYTES_MIN;
    if (bytes === 15 + MATCH_BYTES_MIN) {
      let more: number;
      do {
        if (at >= end) throw new Error('a block is cut short');
        more = wire[at++]!;
        bytes += more;
      } while (more === 255);
    }
    if (made + bytes > outEnd) throw new OutOfRoomError('a block is longer than it can be');
    copyMatch(out, made, offset, bytes);
    made += bytes;
  }
}

async function hashInSlices(bytes: Buffer, from: number, to: number): Promise<number> {
  const hash = new Xxh32();
  let at = from;
  for (; to - at > SLICE_BYTES; at += SLICE_BYTES) {
    hash.update(bytes, at, at + SLICE_BYTES);
    await pause();
  }
  return hash.digest(bytes, at, to);
}
