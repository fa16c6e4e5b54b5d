/**
 * A body that is a form (multipart/form-data): fields are parameters like those of the URL, and parts with a file name are
 * external data, which goes to files that the engine reads. It never holds data in memory, and takes no more of the disk than
 * all forms together may.
 */
import { createWriteStream } from 'node:fs';
import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { ClickHouseError } from '../model/clickhouse.js';

export interface SqlForm {
  fields: readonly [name: string, value: string][];
  files: readonly { name: string; path: string }[];
  /** Removes the files. Must be called once. */
  discard(): Promise<void>;
}

export interface FormReader {
  /** Data of one form, bytes. */
  readonly dataBytesMax: number;
  /**
   * The body is the whole form, decompressed; `fieldBytesMax` bounds all its fields.
   * @throws ClickHouseError 36 where it is malformed, 307 where it has too much data, 202 where all forms have.
   */
  read(
    body: Readable,
    contentType: string,
    limits: { fieldBytesMax: number; tooLarge: (bytesMax: number) => Error },
  ): Promise<SqlForm>;
}

/** As many forms may be under way that have as much data as one may have. */
const FORMS_AT_ONCE = 4;
const TABLES_MAX = 8;
const FIELDS_MAX = 2_000;

let filesMade = 0;

export function createFormReader(options: { directory: string; dataBytesMax: number }): FormReader {
  const { directory, dataBytesMax } = options;
  const allDataBytesMax = FORMS_AT_ONCE * dataBytesMax;
  let allBytes = 0;

  return {
    dataBytesMax,
    async read(body, contentType, { fieldBytesMax, tooLarge }) {
      const fields: [string, string][] = [];
      const files: { name: string; path: string }[] = [];
      let dataBytes = 0;
      let fieldBytes = 0;
      const cut = new AbortController();

      const countData = () =>
        new Transform({
          transform(chunk: Buffer, _encoding, done) {
            if (dataBytes + chunk.length > dataBytesMax) return done(tooMuchData(dataBytesMax));
            if (allBytes + chunk.length > allDataBytesMax) return done(noRoom(allDataBytesMax));
            dataBytes += chunk.length;
            allBytes += chunk.length;
            done(null, chunk);
          },
        });
      const discard = async () => {
        await Promise.all(files.map(({ path }) => unlink(path).catch(() => undefined)));
        allBytes -= dataBytes;
      };

      const parser = openParser(contentType, fieldBytesMax);
      const writes: Promise<void>[] = [];
      const parsed = new Promise<void>((done, fail) => {
        parser.on('field', (name, value, _isNameCut, isCut) => {
          fieldBytes += Buffer.byteLength(value);
          if (isCut || fieldBytes > fieldBytesMax) fail(tooLarge(fieldBytesMax));
          else fields.push([name, value]);
        });
        parser.on('file', (name, data) => {
          const path = join(directory, `external-${process.pid}-${++filesMade}`);
          files.push({ name, path });
          const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
          const write = pipeline(data, countData(), file, { signal: cut.signal });
          writes.push(write);
          write.catch(fail);
        });
        parser.on('filesLimit', () => fail(malformed(`it has more than ${TABLES_MAX} files`)));
        parser.on('fieldsLimit', () => fail(malformed(`it has more than ${FIELDS_MAX} fields`)));
        parser.on('error', (error) => fail(malformed((error as Error).message)));
        parser.on('finish', done);
        body.on('error', fail);
      });
      try {
        body.pipe(parser);
        await parsed;
        await Promise.all(writes);
        return { fields, files, discard };
      } catch (error) {
        body.unpipe(parser);
        body.destroy();
        cut.abort();
        await Promise.allSettled(writes);
        await discard();
        throw error instanceof ClickHouseError || !isCutShort(error)
          ? error
          : malformed((error as Error).message);
      }
    },
  };
}

/** A part with a file name is external data, as with ClickHouse, whatever its type is. */
function openParser(contentType: string, fieldSize: number): BusboyInstance {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      isPartAFile: (_name, _type, fileName) => fileName !== undefined,
      limits: { fieldSize, fields: FIELDS_MAX, files: TABLES_MAX },
    });
  } catch (error) {
    throw malformed((error as Error).message);
  }
}

/** The parser's word for a part that does not end. */
function isCutShort(error: unknown): boolean {
  return error instanceof Error && /multipart|part terminated/i.test(error.message);
}

function malformed(why: string): ClickHouseError {
  return new ClickHouseError(36, 'BAD_ARGUMENTS', `The form (multipart/form-data) cannot be read: ${why}`);
}

function tooMuchData(bytesMax: number): ClickHouseError {
  const message = `External data of a statement must not be more than ${bytesMax} bytes (sqlExternalBytesMax)`;
  return new ClickHouseError(307, 'TOO_MANY_BYTES', message);
}

function noRoom(bytesMax: number): ClickHouseError {
  const message = `Statements under way have ${bytesMax} bytes of external data already; try again in a moment`;
  return new ClickHouseError(202, 'TOO_MANY_SIMULTANEOUS_QUERIES', message);
}
