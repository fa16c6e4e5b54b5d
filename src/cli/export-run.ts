/**
 * The work of `plumbline export`: plan the pieces or take up the plan of a broken run, read each piece, write it, and say what
 * was done. Enters: a source and a folder; leaves: a finished manifest and a text for people.
 */
import { readdir } from 'node:fs/promises';
import pRetry from 'p-retry';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import {
  findSchemaVersion,
  MOVED_TABLES,
  type MovedPiece,
  planPieces,
  readColumns,
  readPiece,
  readSchemaVersion,
  type TimeRange,
} from '../store/moved-tables.js';
import { cutNative } from '../store/native-blocks.js';
import {
  type FolderPiece,
  finishManifest,
  type Manifest,
  readManifest,
  readWritten,
  writeManifest,
  writePiece,
} from './move-folder.js';
import { createMoveProgress } from './move-progress.js';
import { makeOutputFolder } from './output-folder.js';

export interface ExportRun {
  folder: string;
  clickhouse: ClickHouse;
  /** Name of the source, without secrets. */
  source: string;
  /** Of this program. */
  version: string;
  range: TimeRange | undefined;
  newId: () => string;
  progressTo: NodeJS.WritableStream & { isTTY?: boolean };
  /** Pause before the second try of what the network broke; then twice as long each time. */
  retryMs?: number;
}

/** Tries of a piece while the source cannot be reached; the next run goes on from there. */
const RETRIES = 4;
const RETRY_MS = 500;

export async function runExport(run: ExportRun): Promise<string> {
  await checkSource(run);
  const manifest = (await takeUp(run)) ?? (await plan(run));
  const written = await readWritten(run.folder);
  const planned = manifest.pieces.reduce((sum, piece) => sum + piece.plannedRows, 0);
  const progress = createMoveProgress(run.progressTo, 'Export', planned);
  let plannedDone = 0;
  let rowsDone = 0;
  try {
    for (const piece of manifest.pieces) {
      const before = written.get(piece.file);
      rowsDone +=
        before?.rows ??
        (await exportPiece(run, manifest, piece, (rows) => {
          progress.show(plannedDone + Math.min(rows, piece.plannedRows), piece.table, rowsDone + rows);
        }));
      plannedDone += piece.plannedRows;
      progress.show(plannedDone, piece.table, rowsDone);
    }
    progress.finish(rowsDone);
  } finally {
    progress.end();
  }
  return describe(run.folder, await finishManifest(run.folder, manifest));
}

async function checkSource({ clickhouse, source }: ExportRun): Promise<void> {
  const [known, found] = [await findSchemaVersion(), await readSchemaVersion(clickhouse)];
  if (found === known) return;
  throw new UserError(
    `${source} has schema version ${found}, this Plumbline knows ${known}: ` +
      (found < known
        ? 'start a server of this version on it once, which brings it up to date, or export with the version that runs there'
        : 'export with the newer version that runs there'),
  );
}

/** The plan of a run that did not finish. */
async function takeUp({ folder, source, range }: ExportRun): Promise<Manifest | undefined> {
  const manifest = await readManifest(folder);
  if (manifest === undefined) {
    await refuseOthersFiles(folder);
    return undefined;
  }
  if (manifest.isComplete)
    throw new UserError(
      `${folder} has a complete export already (of ${manifest.source}); choose another folder`,
    );
  if (manifest.source !== source)
    throw new UserError(
      `${folder} has an unfinished export of ${manifest.source}, not of ${source}; choose another folder`,
    );
  const asked = showRange(range);
  if (asked.since !== manifest.since || asked.until !== manifest.until)
    throw new UserError(
      `${folder} has an unfinished export of other days; give the same --since and --until, or another folder`,
    );
  return manifest;
}

/** An export has a folder of its own: nothing of others is mixed with it, and a mistyped name shows. */
async function refuseOthersFiles(folder: string): Promise<void> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw new UserError(`${folder} cannot be read as a folder (${error.code}); choose another one`);
  });
  if (names.length > 0)
    throw new UserError(
      `${folder} has files in it that are of no export (${names.sort()[0]}); choose an empty folder, or one that is not there`,
    );
}

async function plan(run: ExportRun): Promise<Manifest> {
  const { folder, clickhouse, range } = run;
  await makeOutputFolder(folder, 'the folder');
  const [clock] = await clickhouse.query<{ now: string }>(
    "SELECT formatDateTime(now('UTC'), '%Y-%m-%dT%H:%i:%SZ') AS now",
  );
  const columns: Record<string, string[]> = {};
  const pieces: FolderPiece[] = [];
  for (const table of MOVED_TABLES) {
    columns[table.table] = await readColumns(clickhouse, table.table);
    for (const piece of await planPieces(clickhouse, table, table.time === undefined ? undefined : range))
      pieces.push({ ...piece, file: `${piece.table}/${nameFile(piece)}.native.gz` });
  }
  const manifest: Manifest = {
    format: 1,
    id: run.newId(),
    version: run.version,
    schemaVersion: await findSchemaVersion(),
    source: run.source,
    completeUpTo: clock!.now,
    ...showRange(range),
    isComplete: false,
    columns,
    pieces,
  };
  await writeManifest(folder, manifest);
  return manifest;
}

/** By its first moment, or by its place. */
function nameFile({ fromS, part }: MovedPiece): string {
  if (fromS === undefined) return String(part! + 1).padStart(4, '0');
  return new Date(fromS * 1000)
    .toISOString()
    .slice(0, 16)
    .replace('T', '_')
    .replace(':', '')
    .replace('_0000', '');
}

/** Returns its rows. */
async function exportPiece(
  { folder, clickhouse, retryMs = RETRY_MS }: ExportRun,
  { columns }: Manifest,
  piece: FolderPiece,
  onRows: (rows: number) => void,
): Promise<number> {
  const { sql, call } = readPiece(piece, columns[piece.table]!);
  return pRetry(
    async () => {
      let rows = 0;
      await writePiece(folder, piece, cutNative(clickhouse.stream(sql, 'Native', call)), (more) => {
        rows += more;
        onRows(rows);
      });
      return rows;
    },
    {
      retries: RETRIES,
      minTimeout: retryMs,
      shouldRetry: ({ error }) => error instanceof ClickHouseError && error.type === 'NETWORK',
    },
  );
}

function showRange(range: TimeRange | undefined): { since?: string; until?: string } {
  const day = (unixS: number) => new Date(unixS * 1000).toISOString().slice(0, 10);
  return range === undefined ? {} : { since: day(range.fromS), until: day(range.toS) };
}

function describe(folder: string, manifest: Manifest): string {
  const sum = (of: 'rows' | 'bytes') => manifest.pieces.reduce((total, piece) => total + (piece[of] ?? 0), 0);
  const tables = new Set(manifest.pieces.map(({ table }) => table)).size;
  return (
    `Exported ${sum('rows').toLocaleString('en-US')} rows of ${tables} tables (${(sum('bytes') / 1e6).toFixed(1)} MB) to ${folder}.\n` +
    `Everything that was stored before ${manifest.completeUpTo} is in it; of what came later, some may be.\n` +
    `"plumbline import ${folder}" reads it.\n`
  );
}
