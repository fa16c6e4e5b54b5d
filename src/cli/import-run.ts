/**
 * The work of `plumbline import`: check the export against the target, insert each piece that this target has not seen, count
 * it there, and mark rollups that know fewer points than there are now. Enters: a folder and a target; leaves: rows, and a text
 * for people. Every insert may be repeated: rows are told apart by what they are, not by how often they came.
 */
import { join } from 'node:path';
import pRetry from 'p-retry';
import { z } from 'zod';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { applyMigrations } from '../store/migrations.js';
import { countPiece, findSchemaVersion, findTable, readColumns } from '../store/moved-tables.js';
import { markRollupGaps } from '../store/rollup-gaps.js';
import { describeExpired, findExpired, mayDeleteSooner } from './import-expired.js';
import type { Endpoint } from './move-endpoint.js';
import {
  appendLine,
  checkPiece,
  type FolderPiece,
  type Manifest,
  readLines,
  readManifest,
  readPieceBlocks,
} from './move-folder.js';
import { createMoveProgress, type MoveProgress } from './move-progress.js';

export interface ImportRun {
  folder: string;
  openTarget: () => Promise<Endpoint>;
  skipExpired: boolean;
  nowUnixMs: number;
  progressTo: NodeJS.WritableStream & { isTTY?: boolean };
  /** Pause before the second try of what the network broke; then twice as long each time. */
  retryMs?: number;
}

type Piece = Manifest['pieces'][number];

const STATE = 'imported.jsonl';
/** One insert: as much as is held in memory at a time. */
const BATCH_ROWS_MAX = 500_000;
const BATCH_BYTES_MAX = 32 * 1024 * 1024;
const RETRIES = 4;
const RETRY_MS = 500;

export async function runImport(run: ImportRun): Promise<string> {
  const manifest = await readComplete(run.folder);
  const { clickhouse, name } = await run.openTarget();
  await applyMigrations(clickhouse);
  await checkColumns(clickhouse, manifest);
  const expired = await findExpired(clickhouse, manifest.pieces, run.nowUnixMs);
  if (expired.size > 0 && !run.skipExpired) throw new UserError(describeExpired(expired));
  const wanted = manifest.pieces.filter((piece) => !expired.has(piece));
  const fewer = await importPieces(run, manifest.id, clickhouse, sortForImport(wanted));
  const waiting = await compareRollups(run, clickhouse, wanted);
  return describe(name, wanted, expired.size, fewer, waiting);
}

async function compareRollups(
  { nowUnixMs, progressTo }: ImportRun,
  clickhouse: ClickHouse,
  pieces: readonly Piece[],
): Promise<Map<number, number>> {
  let progress: MoveProgress | undefined;
  try {
    return await markRollupGaps(clickhouse, pieces, nowUnixMs, (done, total) => {
      progress ??= createMoveProgress(progressTo, 'Compare', total, 'stretches of time');
      if (done < total) progress.show(done, 'points and rollups');
      else progress.finish(total);
    });
  } finally {
    progress?.end();
  }
}

async function readComplete(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  if (manifest === undefined)
    throw new UserError(`${folder} has no manifest.json: it is not the folder of an export`);
  if (!manifest.isComplete)
    throw new UserError(
      `the export in ${folder} is not complete: run "plumbline export ${folder}" again until it is`,
    );
  const known = await findSchemaVersion();
  if (manifest.schemaVersion !== known)
    throw new UserError(
      `the export in ${folder} has schema version ${manifest.schemaVersion}, this Plumbline knows ${known}: ` +
        (manifest.schemaVersion < known
          ? `start a server of this version on the source once, which brings it up to date, and export again; or import with Plumbline ${manifest.version} and upgrade the target after it`
          : `import with Plumbline ${manifest.version} or newer`),
    );
  for (const { table } of manifest.pieces) findTable(table);
  return manifest;
}

/** Tables have what the export has; views of KPIs are the server's business. */
async function checkColumns(clickhouse: ClickHouse, { columns }: Manifest): Promise<void> {
  for (const [table, names] of Object.entries(columns)) {
    const there = new Set(await readColumns(clickhouse, table));
    const missing = names.filter((name) => !there.has(name));
    if (missing.length > 0)
      throw new UserError(
        `the target's table ${table} lacks ${missing.join(', ')}, though its schema version is right: was it altered by hand?`,
      );
  }
}

/** Series before points, points before what is made from them: whoever looks meanwhile finds no row without its series. */
function sortForImport(pieces: readonly Piece[]): Piece[] {
  return [...pieces].reverse();
}

/** Returns tables that have fewer rows than came, with how many. */
async function importPieces(
  run: ImportRun,
  exportId: string,
  clickhouse: ClickHouse,
  pieces: readonly Piece[],
): Promise<Map<string, number>> {
  const state = join(run.folder, STATE);
  const target = await identifyTarget(clickhouse);
  const done = await readDone(state, target);
  const progress = createMoveProgress(
    run.progressTo,
    'Import',
    pieces.reduce((sum, { rows = 0 }) => sum + rows, 0),
  );
  const fewer = new Map<string, number>();
  let rowsDone = 0;
  try {
    for (const piece of pieces) {
      if (!done.has(piece.file)) {
        await checkPiece(run.folder, piece);
        await insertPiece(run, exportId, clickhouse, piece, (rows) =>
          progress.show(rowsDone + rows, piece.table),
        );
      }
      const missing = await countMissing(clickhouse, piece);
      if (missing > 0 && !(await mayDeleteSooner(clickhouse, piece.table)))
        throw new UserError(describeMissing(piece, missing, state, done.has(piece.file)));
      if (missing > 0) fewer.set(piece.table, (fewer.get(piece.table) ?? 0) + missing);
      if (!done.has(piece.file)) await appendLine(state, { target, file: piece.file });
      rowsDone += piece.rows ?? 0;
      progress.show(rowsDone, piece.table);
    }
    progress.finish(rowsDone);
  } finally {
    progress.end();
  }
  return fewer;
}

/** Another one after the database was dropped and made anew. */
async function identifyTarget(clickhouse: ClickHouse): Promise<string> {
  const [row] = await clickhouse.query<{ id: string }>(
    "SELECT toString(uuid) AS id FROM system.tables WHERE database = currentDatabase() AND name = 'series'",
  );
  return row!.id;
}

const doneSchema = z.object({ target: z.string(), file: z.string() });

async function readDone(state: string, target: string): Promise<Set<string>> {
  const lines = (await readLines(state)).map((line) => doneSchema.safeParse(line).data);
  return new Set(lines.filter((line) => line?.target === target).map((line) => line!.file));
}

async function insertPiece(
  { folder, nowUnixMs, retryMs = RETRY_MS }: ImportRun,
  exportId: string,
  clickhouse: ClickHouse,
  piece: Piece,
  onRows: (rows: number) => void,
): Promise<void> {
  let rows = 0;
  let batch: Uint8Array[] = [];
  let batchRows = 0;
  let batchBytes = 0;
  let batches = 0;
  async function insert(): Promise<void> {
    // The same for every try of this run; another run may have to bring back what was deleted since.
    const deduplicationToken = `import:${exportId}:${nowUnixMs}:${piece.file}:${batches++}`;
    await pRetry(() => clickhouse.insertNative(piece.table, batch, { deduplicationToken }), {
      retries: RETRIES,
      minTimeout: retryMs,
      shouldRetry: ({ error }) => error instanceof ClickHouseError && error.type === 'NETWORK',
    });
    batch = [];
    batchRows = batchBytes = 0;
    onRows(rows);
  }
  for await (const block of readPieceBlocks(folder, piece)) {
    batch.push(block.bytes);
    rows += block.rows;
    batchRows += block.rows;
    batchBytes += block.bytes.length;
    if (batchRows >= BATCH_ROWS_MAX || batchBytes >= BATCH_BYTES_MAX) await insert();
  }
  if (batch.length > 0) await insert();
}

async function countMissing(clickhouse: ClickHouse, piece: Piece): Promise<number> {
  const { sql, call } = countPiece(piece);
  const [row] = await clickhouse.query<{ rows: string }>(sql, call);
  return Math.max(0, (piece.rows ?? 0) - Number(row!.rows));
}

function describeMissing(
  piece: FolderPiece & { rows?: number | undefined },
  missing: number,
  state: string,
  wasDone: boolean,
): string {
  const advice = wasDone
    ? `they were imported before and deleted since; remove ${state} to import everything again`
    : 'does a TTL or a mutation there delete them? Then give the same command again';
  return `${missing} of ${piece.rows} rows of ${piece.file} are not in the target: ${advice}`;
}

const BUCKETS: readonly [seconds: number, name: string][] = [
  [60, 'minutes'],
  [3_600, 'hours'],
  [86_400, 'days'],
];

function describe(
  name: string,
  pieces: readonly Piece[],
  expired: number,
  fewer: ReadonlyMap<string, number>,
  waiting: ReadonlyMap<number, number>,
): string {
  const number = (value: number) => value.toLocaleString('en-US');
  const rows = pieces.reduce((sum, piece) => sum + (piece.rows ?? 0), 0);
  const buckets = BUCKETS.flatMap(([seconds, unit]) =>
    waiting.has(seconds) ? `${number(waiting.get(seconds)!)} ${unit}` : [],
  );
  return [
    `Imported ${number(rows)} rows of ${pieces.length} pieces into ${name}.`,
    fewer.size === 0
      ? 'Counted there: no row is missing.'
      : `Fewer rows are there than came, because its retention deletes some of them: ${[...fewer].map(([table, count]) => `${table} ${number(count)}`).join(', ')}.`,
    ...(expired > 0 ? [`Left out: ${expired} pieces that are older than it keeps.`] : []),
    ...(buckets.length > 0
      ? [
          `To be rolled up: ${buckets.join(', ')}; a server does that when it starts, one that runs within the hour. Answers are right meanwhile.`,
        ]
      : []),
    '',
  ].join('\n');
}
