/**
 * One segment of the spool: a file of frames, each a Native block for one table behind a checksummed header.
 * Frame: magic, crc32 of what follows, payload bytes, rows, table name (length + UTF-8), payload. Little-endian.
 * Reading stops at the first frame that is not whole: what follows was never acknowledged.
 */
import { crc32 } from 'node:zlib';
import type { Frame } from '../model/spool.js';
import type { NativeBlock } from './native-format.js';

const MAGIC = 0x31464c50; // "PLF1"
const HEADER_BYTES = 17;

/** Pieces of one frame, to be written one after the other. */
export function encodeFrame(block: NativeBlock): Uint8Array[] {
  const table = Buffer.from(block.table);
  const header = Buffer.alloc(HEADER_BYTES + table.length);
  header.writeUInt32LE(MAGIC, 0);
  header.writeUInt32LE(
    block.pieces.reduce((bytes, piece) => bytes + piece.byteLength, 0),
    8,
  );
  header.writeUInt32LE(block.rows, 12);
  header.writeUInt8(table.length, 16);
  table.copy(header, HEADER_BYTES);
  let checksum = crc32(header.subarray(8));
  for (const piece of block.pieces) checksum = crc32(piece, checksum);
  header.writeUInt32LE(checksum, 4);
  return [header, ...block.pieces];
}

/** Whole frames of a segment's bytes, and how many bytes they take; the rest is a torn tail. */
export function decodeFrames(bytes: Buffer): { frames: Frame[]; wholeBytes: number } {
  const frames: Frame[] = [];
  let pos = 0;
  while (pos + HEADER_BYTES <= bytes.length) {
    if (bytes.readUInt32LE(pos) !== MAGIC) break;
    const payloadAt = pos + HEADER_BYTES + bytes.readUInt8(pos + 16);
    const end = payloadAt + bytes.readUInt32LE(pos + 8);
    if (end > bytes.length || crc32(bytes.subarray(pos + 8, end)) !== bytes.readUInt32LE(pos + 4)) break;
    frames.push({
      table: bytes.toString('utf8', pos + HEADER_BYTES, payloadAt),
      rows: bytes.readUInt32LE(pos + 12),
      payload: bytes.subarray(payloadAt, end),
    });
    pos = end;
  }
  return { frames, wholeBytes: pos };
}
