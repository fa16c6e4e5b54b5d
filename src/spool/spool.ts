/**
 * The spool: accepted points on disk, in segments, until ClickHouse has them. `append` resolves after fsync; segments
 * are read back in order and removed by `commit`. It survives kill -9 at any moment: a segment is whole up to its last
 * whole frame. It never loses what it acknowledged and never reads what it did not write.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import {
  access,
  type FileHandle,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  stat,
  unlink,
} from 'node:fs/promises';
import { join } from 'node:path';
import { UserError } from '../model/errors.js';
import type { Frame, SealedSegment } from '../model/spool.js';
import type { NativeBlock } from './native-format.js';
import { decodeFrames, encodeFrame } from './segment.js';

export interface SpoolOptions {
  directory: string;
  /** Bytes on disk beyond which appends are refused. */
  bytesMax: number;
  /** A segment that reached this size is closed and the next one begun. */
  segmentBytesMax: number;
  nowUnixMs: number;
}

interface OpenSegment {
  name: string;
  file: FileHandle;
  bytes: number;
}

const SUFFIX = '.segment';

export async function openSpool(options: SpoolOptions): Promise<Spool> {
  try {
    await mkdir(join(options.directory, 'quarantine'), { recursive: true });
    await access(options.directory, constants.W_OK);
  } catch (error) {
    throw new UserError(
      `cannot write to the spool directory ${options.directory} (${(error as Error).message}); ` +
        'set PLUMBLINE_DATA_DIR to a directory this user may write to',
    );
  }
  const names = (await readdir(options.directory)).filter((name) => name.endsWith(SUFFIX)).sort();
  const left: SealedSegment[] = [];
  for (const name of names) {
    const { size, birthtimeMs, mtimeMs } = await stat(join(options.directory, name));
    // Some file systems do not know when a file was born.
    left.push({ name, bytes: size, begunMs: birthtimeMs || mtimeMs });
  }
  return new Spool(options, left);
}

export class Spool {
  private readonly options: SpoolOptions;
  /** Names sort in the order of writing, across restarts too, and never repeat. */
  private readonly runName: string;
  private sequence = 0;
  private readonly sealed: SealedSegment[];
  private current: OpenSegment | undefined;
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

  /** Write blocks and resolve when they are on disk, with the name of their segment. Calls must not overlap: one writer, see group-commit.ts. */
  async append(blocks: readonly NativeBlock[]): Promise<string> {
    const pieces = blocks.flatMap(encodeFrame);
    const bytes = pieces.reduce((sum, piece) => sum + piece.byteLength, 0);
    const segment = this.current ?? (await this.openSegment());
    try {
      await writeAll(segment.file, pieces);
      await segment.file.datasync();
    } catch (error) {
      // What was half written must not stand before later frames: cut it off, or leave the segment as it is for good.
      await segment.file.truncate(segment.bytes).catch(() => this.seal());
      throw error;
    }
    segment.bytes += bytes;
    this.bytesOnDisk += bytes;
    if (segment.bytes >= this.options.segmentBytesMax) await this.seal();
    return segment.name;
  }

  /** Close the segment being written, so that it can be read. Must not overlap with `append`. */
  async seal(): Promise<void> {
    const segment = this.current;
    if (segment === undefined) return;
    this.current = undefined;
    await segment.file.close();
    if (segment.bytes === 0) await unlink(join(this.options.directory, segment.name));
    else this.sealed.push({ name: segment.name, bytes: segment.bytes });
  }

  /** The oldest closed segment, or nothing. */
  oldest(): SealedSegment | undefined {
    return this.sealed[0];
  }

  /** Frames of a closed segment; `tornBytes` > 0 where a crash cut an unacknowledged write short. */
  async read(segment: SealedSegment): Promise<{ frames: Frame[]; tornBytes: number }> {
    const bytes = await readFile(join(this.options.directory, segment.name));
    const { frames, wholeBytes } = decodeFrames(bytes);
    return { frames, tornBytes: bytes.length - wholeBytes };
  }

  /** ClickHouse has everything of the oldest segment: remove it. */
  async commit(segment: SealedSegment): Promise<void> {
    await unlink(join(this.options.directory, segment.name));
    this.release(segment);
  }

  /** ClickHouse will never take this segment: keep it aside for a person to look at, and go on with the next. */
  async quarantine(segment: SealedSegment): Promise<string> {
    const target = join(this.options.directory, 'quarantine', segment.name);
    await rename(join(this.options.directory, segment.name), target);
    this.release(segment);
    return target;
  }

  private release(segment: SealedSegment): void {
    this.sealed.splice(this.sealed.indexOf(segment), 1);
    this.bytesOnDisk -= segment.bytes;
  }

  private async openSegment(): Promise<OpenSegment> {
    const name = `${this.runName}-${String(this.sequence++).padStart(10, '0')}${SUFFIX}`;
    const file = await open(join(this.options.directory, name), 'ax');
    await syncDirectory(this.options.directory);
    this.current = { name, file, bytes: 0 };
    return this.current;
  }
}

/** Linux takes at most 1024 pieces a call. */
const PIECES_MAX = 1000;

async function writeAll(file: FileHandle, pieces: Uint8Array[]): Promise<void> {
  for (let from = 0; from < pieces.length; from += PIECES_MAX) {
    const some = pieces.slice(from, from + PIECES_MAX);
    const wanted = some.reduce((sum, piece) => sum + piece.byteLength, 0);
    const { bytesWritten } = await file.writev(some);
    if (bytesWritten !== wanted) await file.appendFile(Buffer.concat(some).subarray(bytesWritten));
  }
}

/** A new file exists for sure only when its directory is on disk too. */
async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
