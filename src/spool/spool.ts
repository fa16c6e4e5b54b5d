/**
 * The spool: accepted points on disk, in segments, until ClickHouse has them. `append` resolves after fsync; segments
 * are read back in order and removed by `commit`. It survives kill -9 at any moment: a segment is whole up to its last
 * whole frame. It never loses what it acknowledged and never reads what it did not write. What others did to its files
 * is told apart from what a crash does, and such files are kept.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { access, lstat, mkdir, readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { RetryableError, UserError } from '../model/errors.js';
import { createUnreadable, type SealedSegment, type SegmentContent } from '../model/spool.js';
import { moveFile, NEW_SUFFIX } from './move-file.js';
import type { NativeBlock } from './native-format.js';
import { decodeSegment } from './segment.js';
import { createSegmentFile, type SegmentFile } from './segment-file.js';

export interface SpoolOptions {
  directory: string;
  /** Bytes on disk beyond which appends are refused. */
  bytesMax: number;
  /** A segment that reached this size is closed and the next one begun. */
  segmentBytesMax: number;
  nowUnixMs: number;
  /** Called when a segment reached its size and can be read. */
  onFull?: () => void;
}

/** How long a sender waits when there is no room, milliseconds. */
const FULL_RETRY_MS = 5_000;
const SUFFIX = '.segment';
const QUARANTINE = 'quarantine';

/** Files that were put aside, and have not been dealt with. */
export interface Quarantine {
  segments: number;
  bytes: number;
  /** Why the folder cannot be read, where it cannot. */
  failure?: string;
}

/**
 * Codes of the system that say what is wrong with the file: it is gone or leads nowhere, is a directory, or is larger than
 * any segment. Every other one says what is wrong with the disk, the network or this process, and may pass.
 */
const DAMAGE_CODES: ReadonlySet<string> = new Set(['ENOENT', 'EISDIR', 'ELOOP', 'ERR_FS_FILE_TOO_LARGE']);

export async function openSpool(options: SpoolOptions): Promise<Spool> {
  try {
    await mkdir(options.directory, { recursive: true });
    await access(options.directory, constants.W_OK);
  } catch (error) {
    throw new UserError(
      `cannot write to the spool directory ${options.directory} (${(error as Error).message}); ` +
        'set PLUMBLINE_DATA_DIR to a directory this user may write to',
    );
  }
  // Where it cannot be made now, segments that should go there stay in the spool until it can.
  await mkdir(quarantineOf(options.directory), { recursive: true }).catch(() => undefined);
  const left = await listSegments(options.directory);
  for (const name of await readdir(options.directory)) {
    // A crash came before its header was written.
    if (name.endsWith(SUFFIX + NEW_SUFFIX))
      await unlink(join(options.directory, name)).catch(() => undefined);
  }
  return new Spool(options, left);
}

/** Segments in a folder, oldest first; none where there is no such folder. */
export async function listSegments(directory: string): Promise<(SealedSegment & { begunMs: number })[]> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const segments: (SealedSegment & { begunMs: number })[] = [];
  for (const name of names.filter((each) => each.endsWith(SUFFIX)).sort()) {
    // Not where a link leads to: a broken one must not keep the others from being stored.
    const found = await lstat(join(directory, name)).catch((error: NodeJS.ErrnoException) => error);
    if (!(found instanceof Error)) {
      // Some file systems do not know when a file was born.
      segments.push({ name, bytes: found.size, begunMs: found.birthtimeMs || found.mtimeMs });
    } else if (found.code !== 'ENOENT') {
      // There is a file, of which nothing is known now; who reads it will see why.
      segments.push({ name, bytes: 0, begunMs: Number.parseInt(name, 10) || 0 });
    }
  }
  return segments;
}

/** The folder of segments that were put aside. */
export function quarantineOf(spoolDirectory: string): string {
  return join(spoolDirectory, QUARANTINE);
}

/**
 * Reads and checks one segment, wherever it lies. What is wrong with its content is damage. Throws where the system fails
 * (no file descriptor, a network file system that is away, a disk error): the file may be as good as before.
 */
export async function readSegment(directory: string, segment: SealedSegment): Promise<SegmentContent> {
  try {
    return decodeSegment(segment.name, await readFile(join(directory, segment.name)));
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    if (!DAMAGE_CODES.has(code)) throw error;
    return createUnreadable(segment, message);
  }
}

export class Spool {
  private readonly options: SpoolOptions;
  /** Names sort in the order of writing, across restarts too, and never repeat. */
  private readonly runName: string;
  private sequence = 0;
  private readonly sealed: SealedSegment[];
  private current: SegmentFile | undefined;
  private bytesOnDisk: number;

  constructor(options: SpoolOptions, left: SealedSegment[]) {
    this.options = options;
    this.sealed = left;
    this.bytesOnDisk = left.reduce((bytes, segment) => bytes + segment.bytes, 0);
    this.runName = `${String(options.nowUnixMs).padStart(14, '0')}-${randomBytes(6).toString('hex')}`;
  }

  get bytes(): number {
    return this.bytesOnDisk;
  }

  get isFull(): boolean {
    return this.bytesOnDisk >= this.options.bytesMax;
  }

  get isEmpty(): boolean {
    return this.sealed.length === 0 && this.current === undefined;
  }

  /**
   * Write blocks and resolve when they are on disk, with the name of their segment. Calls must not overlap: one writer, see
   * group-commit.ts. @throws RetryableError where the spool is full: room is asked for here too, because any number of
   * requests can have found some before they were decoded.
   */
  async append(blocks: readonly NativeBlock[]): Promise<string> {
    if (this.isFull) throw new RetryableError('the spool is full (PLUMBLINE_SPOOL_BYTES_MAX)', FULL_RETRY_MS);
    const before = this.current?.bytes ?? 0;
    const segment = this.current ?? (await this.openSegment());
    try {
      await segment.append(blocks);
    } catch (error) {
      if (segment.isSpoiled) await this.seal();
      throw error;
    }
    this.bytesOnDisk += segment.bytes - before;
    if (segment.bytes >= this.options.segmentBytesMax) {
      await this.seal();
      this.options.onFull?.();
    }
    return segment.name;
  }

  /** Close the segment being written, so that it can be read. Must not overlap with `append`. */
  async seal(): Promise<void> {
    const segment = this.current;
    if (segment === undefined) return;
    this.current = undefined;
    // First: what is in the file is to be read, whatever closing it says.
    if (!segment.isEmpty) this.sealed.push({ name: segment.name, bytes: segment.bytes });
    await segment.close();
  }

  /** Names of the closed segments, oldest first. */
  list(): string[] {
    return this.sealed.map(({ name }) => name);
  }

  /** The oldest closed segment for which `isSkipped` is false, or nothing. */
  oldest(isSkipped: (name: string) => boolean = () => false): SealedSegment | undefined {
    return this.sealed.find(({ name }) => !isSkipped(name));
  }

  /** What can be read of a closed segment; throws as `readSegment` does. */
  read(segment: SealedSegment): Promise<SegmentContent> {
    return readSegment(this.options.directory, segment);
  }

  /** ClickHouse has everything of the segment: remove it. */
  async commit(segment: SealedSegment): Promise<void> {
    await unlink(join(this.options.directory, segment.name)).catch(ignoreMissing);
    this.release(segment);
  }

  /**
   * Keep a segment aside, for a person to look at, and go on with the next. Throws where it cannot be moved; it then stays
   * where it is.
   */
  async quarantine(segment: SealedSegment): Promise<string> {
    const folder = quarantineOf(this.options.directory);
    await mkdir(folder, { recursive: true });
    const target = join(folder, segment.name);
    await moveFile(join(this.options.directory, segment.name), target).catch(ignoreMissing);
    this.release(segment);
    return target;
  }

  /** What lies in quarantine now, of earlier processes too. */
  async readQuarantine(): Promise<Quarantine> {
    try {
      const segments = await listSegments(quarantineOf(this.options.directory));
      return { segments: segments.length, bytes: segments.reduce((sum, { bytes }) => sum + bytes, 0) };
    } catch (error) {
      return { segments: 0, bytes: 0, failure: (error as Error).message };
    }
  }

  private release(segment: SealedSegment): void {
    this.sealed.splice(this.sealed.indexOf(segment), 1);
    this.bytesOnDisk -= segment.bytes;
  }

  private async openSegment(): Promise<SegmentFile> {
    const name = `${this.runName}-${String(this.sequence++).padStart(10, '0')}${SUFFIX}`;
    this.current = await createSegmentFile(this.options.directory, name);
    return this.current;
  }
}

/** Somebody else took the file away: that was reported when it was read, or is of no matter. */
function ignoreMissing(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOENT') throw error;
}
