/**
 * snappy bodies to plain bytes, in both formats (https://github.com/google/snappy, format_description.txt and
 * framing_format.txt): one block, as the Collector's `snappy` is, and frames with checksums, `x-snappy-framed`. Enters: a
 * body; leaves: its content, never more than the limit. Both formats say how large they become, so that what does not fit is
 * refused before memory is given to it. Large bodies are decoded in slices, between which others have the event loop.
 */
import { crc32c } from './checksums.js';
import { malformed, tooLarge } from './decompress.js';
import type { InflightShare } from './inflight-bytes.js';
import { copyMatch, pause, SLICE_BYTES } from './lz-output.js';

/** The first chunk of every framed body. */
const STREAM_IDENTIFIER = Buffer.from('ff060000734e61507059', 'hex');
/** Content of one chunk (framing format, section 4.2), bytes. */
const CHUNK_BYTES_MAX = 65_536;
/** Most chunks of a body: walking them takes time. */
const CHUNKS_MAX = 1_000_000;
const CHUNK_HEAD_BYTES = 4;
const CHECKSUM_BYTES = 4;
const COMPRESSED = 0x00;
const UNCOMPRESSED = 0x01;
const RESERVED_SKIPPABLE = 0x80;
const IDENTIFIER = 0xff;
/** Three bytes of input become at most 64: no block becomes more than so many times its own length. */
const EXPANSION_MAX = 22;

/**
 * A body that begins with the identifier of the framing format is read as that under either name: older Collectors
 * write frames and call them `snappy`.
 *
 * @param bytesMax Largest result, bytes. @param share Counts the result; the caller gives it back.
 */
export async function decodeSnappy(
  wire: Buffer,
  isFramed: boolean,
  bytesMax: number,
  share: InflightShare,
): Promise<Buffer> {
  const decode = isFramed || startsWithIdentifier(wire) ? decodeFrames : decodeWhole;
  const room = (bytes: number) => {
    if (bytes > bytesMax) throw tooLarge('decompressed ', bytesMax);
    share.add(bytes);
    return Buffer.allocUnsafe(bytes);
  };
  return decode(wire, room);
}

/** Gives memory for the content, or throws where it does not fit. */
type GiveRoom = (bytes: number) => Buffer;

function startsWithIdentifier(wire: Buffer): boolean {
  return wire.subarray(0, STREAM_IDENTIFIER.length).equals(STREAM_IDENTIFIER);
}

async function decodeWhole(wire: Buffer, giveRoom: GiveRoom): Promise<Buffer> {
  const { length, start } = check(() => readLength(wire, 0, wire.length));
  if (length > wire.length * EXPANSION_MAX) throw damaged('it is shorter than it says');
  const out = giveRoom(length);
  await decodeBlock(wire, start, wire.length, out, 0, length).catch((error: Error) => {
    throw malformed('snappy', error);
  });
  return out;
}

async function decodeFrames(wire: Buffer, giveRoom: GiveRoom): Promise<Buffer> {
  const out = giveRoom(check(() => measureFrames(wire)));
  let made = 0;
  let pauseAt = SLICE_BYTES;
  for (let at = 0; at < wire.length; ) {
    const type = wire[at]!;
    const start = at + CHUNK_HEAD_BYTES;
    const end = start + wire.readUIntLE(at + 1, 3);
    at = end;
    if (type !== COMPRESSED && type !== UNCOMPRESSED) continue;
    const from = made;
    const dataAt = start + CHECKSUM_BYTES;
    if (type === UNCOMPRESSED) {
      made += wire.copy(out, made, dataAt, end);
    } else {
      const { length, start: blockAt } = readLength(wire, dataAt, end);
      await decodeBlock(wire, blockAt, end, out, made, length).catch((error: Error) => {
        throw malformed('snappy', error);
      });
      made += length;
    }
    if (maskChecksum(crc32c(out, from, made)) !== wire.readUInt32LE(start)) {
      throw damaged('a checksum is wrong');
    }
    if (made >= pauseAt) {
      await pause();
      pauseAt = made + SLICE_BYTES;
    }
  }
  return out;
}

/** How many bytes the chunks become. @throws Error saying what is wrong. */
function measureFrames(wire: Buffer): number {
  if (!startsWithIdentifier(wire)) throw new Error('it does not start with a stream identifier');
  let plainBytes = 0;
  let chunks = 0;
  for (let at = 0; at < wire.length; ) {
    if (++chunks > CHUNKS_MAX) throw new Error(`it has more than ${CHUNKS_MAX} chunks`);
    if (at + CHUNK_HEAD_BYTES > wire.length) throw new Error('it is cut short');
    const type = wire[at]!;
    const start = at + CHUNK_HEAD_BYTES;
    const end = start + wire.readUIntLE(at + 1, 3);
    if (end > wire.length) throw new Error('it is cut short');
    if (type === COMPRESSED || type === UNCOMPRESSED) {
      const dataAt = start + CHECKSUM_BYTES;
      if (dataAt > end) throw new Error('a chunk is cut short');
      const bytes = type === UNCOMPRESSED ? end - dataAt : readLength(wire, dataAt, end).length;
      if (bytes > CHUNK_BYTES_MAX) throw new Error('a chunk is larger than 64 KiB');
      plainBytes += bytes;
    } else if (type === IDENTIFIER) {
      if (!startsWithIdentifier(wire.subarray(at, end))) throw new Error('a stream identifier is wrong');
    } else if (type < RESERVED_SKIPPABLE) {
      throw new Error('a chunk has a reserved type');
    }
    at = end;
  }
  return plainBytes;
}

/** The length that a block says it becomes, a varint of 32 bits, and where its elements start. */
function readLength(wire: Buffer, from: number, to: number): { length: number; start: number } {
  let length = 0;
  for (let at = from, scale = 1; at < to && at < from + 5; at++, scale *= 128) {
    const byte = wire[at]!;
    length += (byte & 127) * scale;
    if (byte < 128) return { length, start: at + 1 };
  }
  throw new Error('its length cannot be read');
}

/** Decodes the elements between `at` and `end` into `length` bytes of `out`. @throws Error where they do not fit exactly. */
async function decodeBlock(
  wire: Buffer,
  at: number,
  end: number,
  out: Buffer,
  outAt: number,
  length: number,
): Promise<void> {
  const outEnd = outAt + length;
  let made = outAt;
  let pauseAt = made + SLICE_BYTES;
  while (at < end) {
    const tag = wire[at++]!;
    const kind = tag & 3;
    let bytes = (tag >> 2) + 1;
    if (kind === 0) {
      if (bytes > 60) {
        const lengthBytes = bytes - 60;
        if (at + lengthBytes > end) throw new Error('it is cut short');
        bytes = wire.readUIntLE(at, lengthBytes) + 1;
        at += lengthBytes;
      }
      if (at + bytes > end) throw new Error('it is cut short');
      if (made + bytes > outEnd) throw new Error('it is longer than it says');
      if (bytes <= 16) for (let i = 0; i < bytes; i++) out[made + i] = wire[at + i]!;
      else wire.copy(out, made, at, at + bytes);
      at += bytes;
    } else {
      const offsetBytes = kind === 3 ? 4 : kind;
      if (at + offsetBytes > end) throw new Error('it is cut short');
      let offset: number;
      if (kind === 1) {
        bytes = ((tag >> 2) & 7) + 4;
        offset = ((tag & 0xe0) << 3) | wire[at]!;
      } else {
        offset = kind === 2 ? wire.readUInt16LE(at) : wire.readUInt32LE(at);
      }
      at += offsetBytes;
      if (offset === 0 || offset > made - outAt) throw new Error('a copy points before its start');
      if (made + bytes > outEnd) throw new Error('it is longer than it says');
      copyMatch(out, made, offset, bytes);
    }
    made += bytes;
    if (made >= pauseAt) {
      await pause();
      pauseAt = made + SLICE_BYTES;
    }
  }
  if (made !== outEnd) throw new Error('it is shorter than it says');
}

function maskChecksum(crc: number): number {
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

function check<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw malformed('snappy', error as Error);
  }
}

function damaged(what: string): Error {
  return malformed('snappy', new Error(what));
}
