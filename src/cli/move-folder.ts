/**
 * The folder of an export: manifest.json (what is in it), a line in pieces.jsonl for each piece that is whole on disk, and
 * one file of gzipped Native blocks a piece. Enters: pieces and blocks; leaves: files that survive a crash at any moment,
 * and their blocks again, checked against their sums. It never asks ClickHouse anything.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { appendFile, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { z } from 'zod';
import { UserError } from '../model/errors.js';
import { type CutBlock, cutNative } from '../store/native-blocks.js';

const pieceSchema = z.object({
  table: z.string().regex(/^\w+$/),
  /** Beside the manifest. */
  file: z.string().regex(/^\w+\/[\w.-]+$/),
  /** Seconds since the epoch, `toS` not included; of tables with time. */
  fromS: z.number().int().optional(),
  toS: z.number().int().optional(),
  part: z.number().int().optional(),
  parts: z.number().int().optional(),
  /** About how many rows it was going to have. */
  plannedRows: z.number().int(),
});
const writtenSchema = z.object({ rows: z.number().int(), bytes: z.number().int(), sha256: z.string() });
const manifestSchema = z.object({
  format: z.literal(1),
  id: z.string(),
  /** Of the program that wrote it. */
  version: z.string(),
  schemaVersion: z.number().int(),
  source: z.string(),
  /** Everything that was stored before this is in it. */
  completeUpTo: z.string(),
  /** Time of the rows that were asked for, as far as it was bounded. */
  since: z.string().optional(),
  until: z.string().optional(),
  isComplete: z.boolean(),
  columns: z.record(z.string(), z.array(z.string())),
  pieces: z.array(pieceSchema.extend(writtenSchema.partial().shape)),
});

export type Manifest = z.infer<typeof manifestSchema>;
export type FolderPiece = z.infer<typeof pieceSchema>;
export type Written = z.infer<typeof writtenSchema>;

const MANIFEST = 'manifest.json';
const PIECES = 'pieces.jsonl';
/** Fast, and Native packs well: columns lie together. */
const GZIP_LEVEL = 1;

/** undefined where the folder has no export. */
export async function readManifest(folder: string): Promise<Manifest | undefined> {
  const path = join(folder, MANIFEST);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`);
  }
  const parsed = manifestSchema.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new UserError(`${path} is no manifest that this Plumbline reads: ${z.prettifyError(parsed.error)}`);
}

/** As a whole or not at all. */
export async function writeManifest(folder: string, manifest: Manifest): Promise<void> {
  const path = join(folder, MANIFEST);
  await mkdir(folder, { recursive: true });
  await writeFile(`${path}.part`, `${JSON.stringify(manifest, null, 1)}\n`, { flush: true });
  await rename(`${path}.part`, path);
}

/** Pieces that are whole on disk, by their file. */
export async function readWritten(folder: string): Promise<Map<string, Written>> {
  const lines = await readLines(join(folder, PIECES));
  const parsed = lines.map((line) => writtenSchema.extend({ file: z.string() }).safeParse(line));
  return new Map(parsed.flatMap(({ data }) => (data === undefined ? [] : [[data.file, data]])));
}

/** Blocks → the file of a piece, under its name only when it is whole. */
export async function writePiece(
  folder: string,
  { file }: FolderPiece,
  blocks: AsyncIterable<CutBlock>,
  onRows: (rows: number) => void,
): Promise<Written> {
  const path = join(folder, file);
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  let rows = 0;
  let bytes = 0;
  async function* readBytes() {
    for await (const block of blocks) {
      rows += block.rows;
      onRows(block.rows);
      yield block.bytes;
    }
  }
  const summed = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      bytes += chunk.length;
      done(null, chunk);
    },
  });
  const part = `${path}.part`;
  await pipeline(
    readBytes,
    createGzip({ level: GZIP_LEVEL }),
    summed,
    createWriteStream(part, { flush: true }),
  );
  await rename(part, path);
  const written = { rows, bytes, sha256: hash.digest('hex') };
  await appendLine(join(folder, PIECES), { file, ...written });
  return written;
}

/** The last word: what every piece has stands in the manifest. */
export async function finishManifest(folder: string, manifest: Manifest): Promise<Manifest> {
  const written = await readWritten(folder);
  const pieces = manifest.pieces.map((piece) => ({ ...piece, ...written.get(piece.file) }));
  const finished = { ...manifest, isComplete: true, pieces };
  await writeManifest(folder, finished);
  await rm(join(folder, PIECES), { force: true });
  return finished;
}

/** Throws UserError where the file is not what the manifest says. */
export async function checkPiece(
  folder: string,
  { file, sha256 }: Manifest['pieces'][number],
): Promise<void> {
  const path = join(folder, file);
  const hash = createHash('sha256');
  try {
    for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  } catch (error) {
    throw new UserError(
      `${path} cannot be read: ${(error as Error).message}; export again into a new folder`,
    );
  }
  if (hash.digest('hex') !== sha256)
    throw new UserError(
      `${path} is not the file that was exported (its sum differs); copy or export it again`,
    );
}

export function readPieceBlocks(folder: string, { file }: FolderPiece): AsyncGenerator<CutBlock> {
  const source = createReadStream(join(folder, file));
  const gunzip = createGunzip();
  source.on('error', (error) => gunzip.destroy(error));
  return cutNative(source.pipe(gunzip));
}

/** Lines of JSON; one that a crash cut short is no line. */
export async function readLines(path: string): Promise<unknown[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw new UserError(`${path} cannot be read: ${error.message}`);
  });
  return text
    .split('\n')
    .map(parseJson)
    .filter((line) => line !== undefined);
}

/** Starts with a line break too: a line that a crash cut short ends there. */
export async function appendLine(path: string, line: object): Promise<void> {
  await appendFile(path, `\n${JSON.stringify(line)}\n`, { flush: true }).catch((error: Error) => {
    throw new UserError(`${path} cannot be written: ${error.message}`);
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
