/**
 * The bytes of one segment of the spool: a header, then frames, each a Native block for one table. Little-endian.
 * Header: magic, crc32 of what follows, bytes acknowledged (the header included), points acknowledged; written again
 * after each fsync, so it never says more than the disk has.
 * Frame: magic, crc32 of what follows up to the payload, payload bytes, rows, crc32 of the payload, table name
 * (length + UTF-8), payload.
 * The checksums of headers begin with one of the segment's name. It is random, so no sender can put a frame into the
 * text of an attribute and have it read where a damaged file is searched for its next frame.
 */
import { crc32 } from 'node:zlib';
import { countPoints, type Frame, type SegmentContent, type SegmentDamage } from '../model/spool.js';
import type { NativeBlock } from './native-format.js';

const SEGMENT_MAGIC = 0x32534c50; // "PLS2"
const FRAME_MAGIC = 0x32464c50; // "PLF2"
const FRAME_MAGIC_BYTES = Buffer.from('PLF2');
export const SEGMENT_HEADER_BYTES = 24;
const FRAME_HEADER_BYTES = 21;

/** How far a segment has been acknowledged. */
export interface Acknowledged {
  /** From the beginning of the file. */
  bytes: number;
  points: number;
}

export function encodeSegmentHeader(name: string, { bytes, points }: Acknowledged): Buffer {
  const header = Buffer.alloc(SEGMENT_HEADER_BYTES);
  header.writeUInt32LE(SEGMENT_MAGIC, 0);
  header.writeBigUInt64LE(BigInt(bytes), 8);
  header.writeBigUInt64LE(BigInt(points), 16);
  header.writeUInt32LE(crc32(header.subarray(8), crc32(name)), 4);
  return header;
}

/** Pieces of one frame of the segment `name`, to be written one after the other. */
export function encodeFrame(name: string, block: NativeBlock): Uint8Array[] {
  const table = Buffer.from(block.table);
  const header = Buffer.alloc(FRAME_HEADER_BYTES + table.length);
  let payloadBytes = 0;
  let payloadChecksum = 0;
  for (const piece of block.pieces) {
    payloadBytes += piece.byteLength;
    payloadChecksum = crc32(piece, payloadChecksum);
  }
  header.writeUInt32LE(FRAME_MAGIC, 0);
  header.writeUInt32LE(payloadBytes, 8);
  header.writeUInt32LE(block.rows, 12);
  header.writeUInt32LE(payloadChecksum, 16);
  header.writeUInt8(table.length, 20);
  table.copy(header, FRAME_HEADER_BYTES);
  header.writeUInt32LE(crc32(header.subarray(8), crc32(name)), 4);
  return [header, ...block.pieces];
}

/** Everything that can be read in the bytes of the segment `name`, and what is wrong with the rest. */
export function decodeSegment(name: string, bytes: Buffer): SegmentContent {
  const seed = crc32(name);
  const acknowledged = readSegmentHeader(bytes, seed);
  const frames: Frame[] = [];
  const damaged = { places: [] as string[], bytes: 0, points: 0 };
  let acknowledgedPointsRead = 0;
  let tornBytes = 0;
  const addDamage = (from: number, to: number, what: string, points = 0) => {
    damaged.places.push(`${what} at byte ${from}`);
    damaged.bytes += to - from;
    damaged.points += points;
  };

  if (acknowledged === undefined) {
    const headerBytes = Math.min(bytes.length, SEGMENT_HEADER_BYTES);
    addDamage(0, headerBytes, bytes.length === 0 ? 'an empty file' : 'an unreadable header');
  }
  for (let pos = SEGMENT_HEADER_BYTES; pos < bytes.length; ) {
    const header = readFrameHeader(bytes, pos, seed);
    const points = header === undefined ? 0 : countPoints([[header.table, header.rows]]);
    if (header !== undefined && isWhole(bytes, header)) {
      const { table, rows, payloadAt, end } = header;
      frames.push({ table, rows, payload: bytes.subarray(payloadAt, end) });
      if (acknowledged !== undefined && pos < acknowledged.bytes) acknowledgedPointsRead += points;
      pos = end;
      continue;
    }
    const next = findFrame(bytes, pos + 1, seed);
    // Behind the acknowledged bytes a power failure may leave anything: a part of a write, or zeros where a file has grown
    // and its data was not written. Nobody was told that it is kept.
    const acknowledgedEnd = Math.max(pos, Math.min(next, acknowledged?.bytes ?? next));
    if (acknowledgedEnd > pos) addDamage(pos, acknowledgedEnd, 'an unreadable frame', points);
    tornBytes += next - acknowledgedEnd;
    pos = next;
  }
  if (acknowledged !== undefined && acknowledged.bytes > bytes.length) {
    addDamage(bytes.length, acknowledged.bytes, 'a missing end');
  }
  if (damaged.places.length === 0) return { frames, tornBytes };
  const missing = (acknowledged?.points ?? 0) - acknowledgedPointsRead;
  return { frames, tornBytes, damage: describeDamage(damaged, Math.max(damaged.points, missing)) };
}

const PLACES_SHOWN = 3;

function describeDamage(
  { places, bytes }: { places: readonly string[]; bytes: number },
  pointsLostMin: number,
): SegmentDamage {
  const more = places.length - PLACES_SHOWN;
  const shown = places.slice(0, PLACES_SHOWN).join(', ');
  return { reason: more > 0 ? `${shown} and ${more} more` : shown, pointsLostMin, bytesLost: bytes };
}

function readSegmentHeader(bytes: Buffer, seed: number): Acknowledged | undefined {
  if (bytes.length < SEGMENT_HEADER_BYTES || bytes.readUInt32LE(0) !== SEGMENT_MAGIC) return undefined;
  if (crc32(bytes.subarray(8, SEGMENT_HEADER_BYTES), seed) !== bytes.readUInt32LE(4)) return undefined;
  return { bytes: Number(bytes.readBigUInt64LE(8)), points: Number(bytes.readBigUInt64LE(16)) };
}

interface FrameHeader {
  table: string;
  rows: number;
  payloadChecksum: number;
  payloadAt: number;
  end: number;
}

function readFrameHeader(bytes: Buffer, at: number, seed: number): FrameHeader | undefined {
  if (at + FRAME_HEADER_BYTES > bytes.length || bytes.readUInt32LE(at) !== FRAME_MAGIC) return undefined;
  const payloadAt = at + FRAME_HEADER_BYTES + bytes.readUInt8(at + 20);
  if (payloadAt > bytes.length) return undefined;
  if (crc32(bytes.subarray(at + 8, payloadAt), seed) !== bytes.readUInt32LE(at + 4)) return undefined;
  return {
    table: bytes.toString('utf8', at + FRAME_HEADER_BYTES, payloadAt),
    rows: bytes.readUInt32LE(at + 12),
    payloadChecksum: bytes.readUInt32LE(at + 16),
    payloadAt,
    end: payloadAt + bytes.readUInt32LE(at + 8),
  };
}

function isWhole(bytes: Buffer, { payloadAt, end, payloadChecksum }: FrameHeader): boolean {
  return end <= bytes.length && crc32(bytes.subarray(payloadAt, end)) === payloadChecksum;
}

/** Where the next frame begins; the end of the file where there is none. */
function findFrame(bytes: Buffer, from: number, seed: number): number {
  for (
    let at = bytes.indexOf(FRAME_MAGIC_BYTES, from);
    at >= 0;
    at = bytes.indexOf(FRAME_MAGIC_BYTES, at + 1)
  ) {
    if (readFrameHeader(bytes, at, seed) !== undefined) return at;
  }
  return bytes.length;
}
