/**
 * The body of a request to the SQL port: decompressed, bounded, and for the data of an INSERT written to a file that
 * the engine reads. It never holds data in memory.
 */
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { finished, PassThrough, type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import { ClickHouseError } from '../model/clickhouse.js';
import { PermanentError } from '../model/errors.js';
import { createBlockReader } from './compressed-blocks.js';

let filesMade = 0;

/** Decompresses a whole body. @throws PermanentError where it is malformed or becomes more than `bytesMax` bytes. */
export type DecodeWhole = (wire: Buffer, coding: 'zstd' | 'lz4', bytesMax: number) => Promise<Buffer>;

/** Largest body in zstd or lz4, on the wire and decompressed: they are decompressed in memory. */
const WHOLE_BYTES_MAX = 64 * 1024 * 1024;

export interface BodyLimits {
  /** Of the body on the wire and of what it becomes. */
  bytesMax: number;
  tooLarge: (bytesMax: number) => Error;
  /** It is in ClickHouse's own compressed blocks (`decompress=1`), inside of what Content-Encoding names. */
  sendsBlocks: boolean;
  /** Without it zstd and lz4 are refused. */
  decodeWhole: DecodeWhole | undefined;
}

/** The decompressed bytes; a body longer than `bytesMax`, on the wire or decompressed, ends in `tooLarge`. */
export function openBody(request: IncomingMessage, limits: BodyLimits): Readable {
  const { sendsBlocks } = limits;
  const encoding = request.headers['content-encoding'] ?? 'identity';
  const decoders = [
    ...(encoding === 'identity' ? [] : [openDecoder(encoding, limits)]),
    ...(sendsBlocks ? [createBlockReader(limits)] : []),
  ];
  const limit = limitBytes(limits);
  // Only a copy of the request goes through the pipeline, which destroys what it is given when something fails, and
  // with a request its connection, before the answer is out.
  const entrance = request.pipe(new PassThrough());
  finished(request, (error) => error && entrance.destroy(error));
  // Errors, also of the sender going away, arrive at whoever reads the last stage.
  pipeline([entrance, ...(decoders.length > 0 ? [limitBytes(limits)] : []), ...decoders, limit]).catch(
    () => undefined,
  );
  return limit;
}

function limitBytes({ bytesMax, tooLarge }: BodyLimits): Transform {
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > bytesMax) done(tooLarge(bytesMax));
      else done(null, chunk);
    },
  });
}

function openDecoder(encoding: string, limits: BodyLimits): Transform {
  const open = { gzip: createGunzip, deflate: createInflate, br: createBrotliDecompress }[encoding];
  if (open) return open();
  if ((encoding === 'zstd' || encoding === 'lz4') && limits.decodeWhole) {
    return createWholeDecoder(encoding, limits.decodeWhole, limits);
  }
  const message = `Unknown compression method '${encoding}'; gzip, deflate, br, zstd and lz4 are known`;
  throw new ClickHouseError(89, 'UNKNOWN_COMPRESSION_METHOD', message);
}

function createWholeDecoder(
  coding: 'zstd' | 'lz4',
  decode: DecodeWhole,
  { bytesMax, tooLarge }: BodyLimits,
): Transform {
  const wholeMax = Math.min(bytesMax, WHOLE_BYTES_MAX);
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      bytes += chunk.length;
      done(bytes > wholeMax ? tooLarge(wholeMax) : null);
    },
    flush(done) {
      decode(Buffer.concat(chunks, bytes), coding, wholeMax).then(
        (plain) => done(null, plain),
        (error: Error) => done(toBodyError(error, () => tooLarge(wholeMax))),
      );
    },
  });
}

function toBodyError(error: Error, tooLarge: () => Error): Error {
  if (!(error instanceof PermanentError)) return error;
  return error.kind === 'too_large'
    ? tooLarge()
    : new ClickHouseError(271, 'CANNOT_DECOMPRESS', error.message);
}

/** Write the body to a file, hand its path to `use`, remove the file whatever happens. */
export async function withBodyFile<T>(
  request: IncomingMessage,
  options: Omit<BodyLimits, 'tooLarge'> & { directory: string; signal: AbortSignal },
  use: (path: string) => Promise<T>,
): Promise<T> {
  const path = join(options.directory, `body-${process.pid}-${++filesMade}`);
  try {
    const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
    const body = openBody(request, { ...options, tooLarge: dataTooLarge });
    await pipeline(body, file, { signal: options.signal });
    return await use(path);
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

function dataTooLarge(bytesMax: number): ClickHouseError {
  const message = `The data is longer than ${bytesMax} bytes (sqlInsertBytesMax); send it in several inserts`;
  return new ClickHouseError(229, 'QUERY_IS_TOO_LARGE', message);
}
