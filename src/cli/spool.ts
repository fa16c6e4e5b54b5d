/**
 * `plumbline spool`: what lies in the spool of a data directory, what of it is damaged, and the way back for segments in
 * quarantine. Enters: files; leaves: a table, or segments that the next start of the server stores.
 */
import { access } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { Command } from 'commander';
import { readConfig } from '../config.js';
import { openDataDirectory } from '../data-directory.js';
import { UserError } from '../model/errors.js';
import { countPoints, type SealedSegment, type SegmentContent, type SegmentDamage } from '../model/spool.js';
import { moveFile } from '../spool/move-file.js';
import { listSegments, openSpool, quarantineOf, readSegment, type Spool } from '../spool/spool.js';
import { type Inspected, showInspected } from './spool-text.js';
import { describeTerminal } from './terminal-table.js';

interface SpoolCommandOptions {
  dataDir?: string;
}

export function createSpoolCommand(): Command {
  const inspect = createAction(
    'inspect',
    'what lies in the spool and in quarantine, and what of it is damaged',
  )
    .option('--json', 'one JSON document instead of a table', false)
    .action(runInspect);
  const replay = createAction('replay', 'takes segments in quarantine back into the spool')
    .argument('[files...]', 'segments in quarantine, by name or path')
    .option('--all', 'every segment in quarantine', false)
    .action(runReplay);
  return new Command('spool')
    .description('damaged segments of the spool, and the way back from quarantine')
    .addHelpText('after', EXAMPLES)
    .addCommand(inspect)
    .addCommand(replay);
}

function createAction(name: string, about: string): Command {
  return new Command(name)
    .description(about)
    .option('--data-dir <path>', 'the data directory (default: PLUMBLINE_DATA_DIR)')
    .addHelpText('after', EXAMPLES);
}

const EXAMPLES = `
Examples:
  plumbline spool inspect                          the server may run
  plumbline spool replay 0176…-0000000003.segment  the server must be stopped
  plumbline spool replay --all

A segment is put into spool/quarantine when it is damaged, after everything that can be read of it was stored, or when
ClickHouse cannot take its data. To get back what a damaged one has lost, put an undamaged copy of the file (from a backup or
a snapshot of the disk) in its place, under the same name, and replay it. Points that are stored already are not counted
twice. A file that nobody will mend can be deleted: it is only kept.`;

async function runInspect(options: SpoolCommandOptions & { json: boolean }): Promise<void> {
  const spool = await findSpool(options);
  const inspected: Inspected[] = [];
  for (const [place, folder] of [
    ['spool', spool],
    ['quarantine', quarantineOf(spool)],
  ] as const) {
    for (const segment of await listSegments(folder)) {
      const inspectedSegment = await inspectSegment(segment, place, folder);
      if (inspectedSegment !== undefined) inspected.push(inspectedSegment);
    }
  }
  process.stdout.write(
    options.json
      ? `${JSON.stringify({ directory: spool, segments: inspected }, null, 2)}\n`
      : showInspected(spool, inspected, describeTerminal(process.stdout, process.env)),
  );
}

/** Undefined where a running server stored the segment since it was listed. */
async function inspectSegment(
  segment: SealedSegment,
  place: Inspected['place'],
  folder: string,
): Promise<Inspected | undefined> {
  const { name, bytes } = segment;
  try {
    const content = await readSegment(folder, segment);
    const isGone = content.frames.length === 0 && !(await exists(join(folder, name)));
    if (place === 'spool' && isGone) return undefined;
    const { tornBytes, damage } = content;
    return { name, place, bytes, points: countPointsOf(content), tornBytes, ...(damage && { damage }) };
  } catch (error) {
    return { name, place, bytes, points: 0, tornBytes: 0, failure: (error as Error).message };
  }
}

async function runReplay(files: string[], options: SpoolCommandOptions & { all: boolean }): Promise<void> {
  const directory = await findSpool(options);
  const quarantine = quarantineOf(directory);
  if (options.all === files.length > 0) {
    throw new UserError('name the segments to replay, or give --all; "plumbline spool inspect" lists them');
  }
  const names = options.all
    ? (await listSegments(quarantine)).map(({ name }) => name)
    : [...new Set(files.map((file) => nameInQuarantine(file, quarantine)))];
  for (const name of names) await refuseMissing(name, quarantine);
  const config = readConfig(process.env);
  // Nobody else may write into the spool: the lock of the data directory is taken.
  const locked = await openDataDirectory(dirname(directory));
  try {
    const spool = await openSpool({
      directory,
      bytesMax: Number.POSITIVE_INFINITY,
      segmentBytesMax: config.spoolSegmentBytesMax,
      nowUnixMs: Date.now(),
    });
    for (const name of names) process.stdout.write(`${await replaySegment(name, directory, spool)}\n`);
    if (names.length === 0) process.stdout.write('There is nothing in quarantine.\n');
  } finally {
    await locked.unlock();
  }
}

/**
 * A whole segment goes back as it is, in one step and under its name: what ClickHouse has of it already it knows by that name.
 * Of a damaged one what can be read goes into a new segment, and the file stays. Failures of one do not keep the others.
 */
async function replaySegment(name: string, directory: string, spool: Spool): Promise<string> {
  const quarantine = quarantineOf(directory);
  try {
    const content = await readSegment(quarantine, { name, bytes: 0 });
    if (content.damage !== undefined) return await replayReadable(name, content, content.damage, spool);
    await moveFile(join(quarantine, name), join(directory, name));
    return describeTaken(name, content);
  } catch (error) {
    process.exitCode = 1;
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'EEXIST'
      ? `${name}: the spool has another segment of that name. Start the server, so that it stores that one, and run this again.`
      : `${name}: it stays in quarantine (${message}).`;
  }
}

async function replayReadable(
  name: string,
  content: SegmentContent,
  damage: SegmentDamage,
  spool: Spool,
): Promise<string> {
  process.exitCode = 1;
  const { frames } = content;
  if (frames.length === 0) return `${name}: nothing of it can be read (${damage.reason}). ${HOW_TO_MEND}`;
  try {
    await spool.append(frames.map(({ table, rows, payload }) => ({ table, rows, pieces: [payload] })));
  } finally {
    await spool.seal();
  }
  return (
    `${describeTaken(name, content)}\n  At least ${damage.pointsLostMin} points and ${damage.bytesLost} bytes of it cannot be read ` +
    `(${damage.reason}); the file stays in quarantine. ${HOW_TO_MEND}`
  );
}

function describeTaken(name: string, content: SegmentContent): string {
  return `${name}: ${countPointsOf(content)} points are in the spool again; the next start of the server stores them.`;
}

const HOW_TO_MEND =
  'Put an undamaged copy of the file in its place, under the same name, and run this again; or delete it.';

/** The spool of the data directory. Throws UserError where there is none: a wrong path is not to be created. */
async function findSpool({ dataDir }: SpoolCommandOptions): Promise<string> {
  const path = resolve(dataDir ?? readConfig(process.env).dataDir);
  const spool = join(path, 'spool');
  if (await exists(spool)) return spool;
  throw new UserError(
    `${path} has no spool; name the data directory with --data-dir, or set PLUMBLINE_DATA_DIR to it`,
  );
}

function nameInQuarantine(file: string, quarantine: string): string {
  const name = basename(file);
  if (file === name || resolve(file) === join(quarantine, name)) return name;
  throw new UserError(
    `${file} is not in ${quarantine}; move it there first, under the name it had (its checksums depend on the name)`,
  );
}

async function refuseMissing(name: string, quarantine: string): Promise<void> {
  if (await exists(join(quarantine, name))) return;
  throw new UserError(`there is no ${name} in ${quarantine}; "plumbline spool inspect" lists what there is`);
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

function countPointsOf({ frames }: SegmentContent): number {
  return countPoints(frames.map(({ table, rows }) => [table, rows]));
}
