/**
 * zstd bodies to plain bytes. Enters: a body; leaves: its content, checksums verified, never more than the limit. How
 * large it can become is worked out first (zstd-frames.ts): what cannot fit is refused without decompressing, small
 * bodies are decompressed on the spot, larger ones in a thread of their own (zstd-thread.ts). Node 20 has no zstd; the
 * decoder is the reference implementation as WebAssembly.
 */
import type { ZSTDDecoder } from 'zstddec';
import { INLINE_PLAIN_BYTES_MAX, malformed, tooLarge } from './decompress.js';
import type { InflightShare } from './inflight-bytes.js';
import { measureZstd, type ZstdSize } from './zstd-frames.js';
import { decodeInThread } from './zstd-thread.js';

/** The decoder's memory ends at 2 GiB, and holds both a body and its content. */
const ZSTD_BYTES_MAX = 512 * 1024 * 1024;

let decoder: Promise<ZSTDDecoder> | undefined;

/** @param requestBytesMax Largest result, bytes. @param share Counts the result; the caller gives it back. */
export async function decodeZstd(
  wire: Buffer,
  requestBytesMax: number,
  share: InflightShare,
): Promise<Buffer> {
  const bytesMax = Math.min(requestBytesMax, ZSTD_BYTES_MAX);
  const { plainBytesMax, isExact } = measure(wire);
  if ((isExact && plainBytesMax > bytesMax) || wire.length > bytesMax) {
    throw tooLarge('decompressed ', bytesMax);
  }
  if (plainBytesMax === 0) return Buffer.alloc(0);
  const room = Math.min(plainBytesMax, bytesMax);
  // What is not used of the room is given back with the rest when the request ends.
  share.add(room);
  const isSmall = Math.max(room, wire.length) <= INLINE_PLAIN_BYTES_MAX;
  const decode = isSmall ? decodeInline : decodeInThread;
  const plain = await decode(wire, room);
  if (plain.length > 0) return Buffer.from(plain.buffer, plain.byteOffset, plain.length);
  // The decoder says no more than that it failed. Where there was room for all it can become, its content is wrong.
  if (plainBytesMax > bytesMax) throw tooLarge('decompressed ', bytesMax);
  throw malformed('zstd', new Error('its content is damaged'));
}

function measure(wire: Buffer): ZstdSize {
  try {
    return measureZstd(wire);
  } catch (error) {
    throw malformed('zstd', error as Error);
  }
}

/** Empty where the body is damaged or does not fit into `room` bytes. */
async function decodeInline(wire: Buffer, room: number): Promise<Uint8Array> {
  decoder ??= import('zstddec').then(async ({ ZSTDDecoder }) => {
    const fresh = new ZSTDDecoder();
    await fresh.init();
    return fresh;
  });
  return (await decoder).decode(wire, room);
}
