/**
 * The body of one HTTP request. Enters: its stream and Content-Encoding; leaves: the decompressed bytes, both sizes
 * bounded by the same limit. Throws PermanentError 'too_large', 'unsupported' or 'malformed'; never holds more than the
 * limit in memory, however far the bytes would expand.
 */
import type { IncomingMessage } from 'node:http';
import { promisify } from 'node:util';
import { gunzip, gunzipSync, type ZlibOptions } from 'node:zlib';
import { PermanentError } from '../model/errors.js';

/** Up to this size decompression on the spot costs less than a trip to another thread. */
const GUNZIP_INLINE_BYTES_MAX = 128 * 1024;
const CHUNK_BYTES_MAX = 1024 * 1024;
const CHUNK_BYTES_MIN = 16 * 1024;

const gunzipInThread = promisify<Buffer, ZlibOptions, Buffer>(gunzip);

export async function readBody(request: IncomingMessage, requestBytesMax: number): Promise<Buffer> {
  const encoding = (request.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (encoding !== 'identity' && encoding !== 'none' && encoding !== '' && encoding !== 'gzip') {
    throw new PermanentError(
      'unsupported',
      `Content-Encoding "${encoding}" is not supported; send gzip or no compression`,
    );
  }
  const wire = await readWire(request, requestBytesMax);
  return encoding === 'gzip' ? decompress(wire, requestBytesMax) : wire;
}

async function readWire(request: IncomingMessage, requestBytesMax: number): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > requestBytesMax) throw tooLarge('', requestBytesMax);
  const chunks: Buffer[] = [];
  let length = 0;
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= requestBytesMax) return void chunks.push(chunk);
      // What still comes is thrown away unread; the answer closes the connection.
      request.removeAllListeners('data');
      request.resume();
      reject(tooLarge('', requestBytesMax));
    });
    request.once('end', () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, length)));
    request.once('error', (error) =>
      reject(
        new PermanentError('malformed', 'the request ended before its body was complete', { cause: error }),
      ),
    );
    request.once('close', () =>
      reject(new PermanentError('malformed', 'the request ended before its body was complete')),
    );
  });
}

async function decompress(wire: Buffer, requestBytesMax: number): Promise<Buffer> {
  const options: ZlibOptions = {
    maxOutputLength: requestBytesMax,
    chunkSize: Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, wire.length * 8)),
  };
  try {
    return wire.length <= GUNZIP_INLINE_BYTES_MAX
      ? gunzipSync(wire, options)
      : await gunzipInThread(wire, options);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      throw tooLarge('decompressed ', requestBytesMax);
    }
    throw new PermanentError('malformed', `the body is not valid gzip: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function tooLarge(which: string, requestBytesMax: number): PermanentError {
  return new PermanentError(
    'too_large',
    `the ${which}request is larger than ${requestBytesMax} bytes; ` +
      'send smaller batches, or raise PLUMBLINE_REQUEST_BYTES_MAX',
  );
}
