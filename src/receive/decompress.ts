/**
 * Decompression of a whole body. Enters: gzip (also of several members), deflate (zlib's format, and the raw one that
 * some clients send), zstd, snappy or lz4; leaves: the plain bytes, never more than the limit, however far the bytes would expand.
 * Small bodies are decompressed on the spot, since a trip to another thread costs more; large ones never hold the event
 * loop. Throws PermanentError 'malformed' or 'too_large', RetryableError where there is no room.
 */
import type { Transform } from 'node:stream';
import {
  createGunzip,
  createInflate,
  createInflateRaw,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  type ZlibOptions,
} from 'node:zlib';
import { PermanentError } from '../model/errors.js';
import type { InflightShare } from './inflight-bytes.js';
import { decodeLz4 } from './lz4-decode.js';
import { decodeSnappy } from './snappy-decode.js';
import { decodeZstd } from './zstd-decode.js';

export type Coding = 'gzip' | 'deflate' | 'zstd' | 'snappy' | 'x-snappy-framed' | 'lz4';

/** Up to these sizes a body is decompressed on the spot, bytes. */
const INLINE_WIRE_BYTES_MAX = 128 * 1024;
export const INLINE_PLAIN_BYTES_MAX = 4 * 1024 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES_MIN = 16 * 1024;

interface Format {
  name: string;
  sync: (wire: Buffer, options: ZlibOptions) => Buffer;
  create: (options: ZlibOptions) => Transform & { bytesWritten: number };
}

const GZIP: Format = { name: 'gzip', sync: gunzipSync, create: createGunzip };
const ZLIB: Format = { name: 'deflate', sync: inflateSync, create: createInflate };
const RAW: Format = { name: 'deflate', sync: inflateRawSync, create: createInflateRaw };

/** @param bytesMax Largest result, bytes. @param share Counts the result; the caller gives it back. */
export async function decompress(
  wire: Buffer,
  coding: Coding,
  bytesMax: number,
  share: InflightShare,
): Promise<Buffer> {
  if (coding === 'zstd') return decodeZstd(wire, bytesMax, share);
  if (coding === 'lz4') return decodeLz4(wire, bytesMax, share);
  if (coding === 'snappy' || coding === 'x-snappy-framed') {
    return decodeSnappy(wire, coding === 'x-snappy-framed', bytesMax, share);
  }
  const format = coding === 'gzip' ? GZIP : hasZlibHeader(wire) ? ZLIB : RAW;
  const inlineBytesMax = Math.min(bytesMax, INLINE_PLAIN_BYTES_MAX);
  if (wire.length <= INLINE_WIRE_BYTES_MAX) {
    const plain = inflateInline(wire, format, inlineBytesMax);
    if (plain !== undefined) {
      share.add(plain.length);
      return plain;
    }
    if (inlineBytesMax === bytesMax) throw tooLarge('decompressed ', bytesMax);
  }
  return inflateInPool(wire, format, bytesMax, share);
}

/** The plain bytes, or undefined where there are more than `bytesMax`. */
function inflateInline(wire: Buffer, format: Format, bytesMax: number): Buffer | undefined {
  const options = {
    maxOutputLength: bytesMax,
    chunkSize: Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, wire.length * 8)),
    info: true,
  };
  let result: { buffer: Buffer; engine: { bytesWritten: number } };
  try {
    // With `info` zlib tells how much of the input it used.
    result = format.sync(wire, options) as unknown as typeof result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') return undefined;
    throw malformed(format.name, error as Error);
  }
  if (result.engine.bytesWritten !== wire.length) throw trailing(format.name);
  return result.buffer;
}

/** Chunk by chunk in Node's thread pool. */
async function inflateInPool(
  wire: Buffer,
  format: Format,
  bytesMax: number,
  share: InflightShare,
): Promise<Buffer> {
  const engine = format.create({ chunkSize: CHUNK_BYTES_MAX });
  const chunks: Buffer[] = [];
  let length = 0;
  let refusal: Error | undefined;
  engine.end(wire);
  try {
    for await (const chunk of engine as AsyncIterable<Buffer>) {
      length += chunk.length;
      refusal = length > bytesMax ? tooLarge('decompressed ', bytesMax) : findRefusal(share, chunk.length);
      if (refusal !== undefined) break;
      chunks.push(chunk);
    }
  } catch (error) {
    throw malformed(format.name, error as Error);
  }
  if (refusal !== undefined) throw refusal;
  if (engine.bytesWritten !== wire.length) throw trailing(format.name);
  return Buffer.concat(chunks, length);
}

function findRefusal(share: InflightShare, bytes: number): Error | undefined {
  try {
    share.add(bytes);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

/** RFC 1950: method 8 in the low half of the first byte, the first two bytes divisible by 31. */
function hasZlibHeader(wire: Buffer): boolean {
  return wire.length >= 2 && (wire[0]! & 15) === 8 && (wire[0]! * 256 + wire[1]!) % 31 === 0;
}

export function malformed(name: string, cause: Error): PermanentError {
  return new PermanentError('malformed', `the body is not valid ${name}: ${cause.message}`, { cause });
}

function trailing(name: string): PermanentError {
  return malformed(name, new Error('there are bytes after its end'));
}

export function tooLarge(which: string, requestBytesMax: number): PermanentError {
  return new PermanentError(
    'too_large',
    `the ${which}request is larger than ${requestBytesMax} bytes; ` +
      'send smaller batches, or raise PLUMBLINE_REQUEST_BYTES_MAX',
  );
}
