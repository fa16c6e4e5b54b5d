/**
 * The segment being written. Enters: blocks; leaves: a file in which they are fsynced, and whose header says how far.
 * A file has its final name only with a whole header: an empty one was emptied by somebody else.
 */
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { countPoints } from '../model/spool.js';
import { NEW_SUFFIX } from './move-file.js';
import type { NativeBlock } from './native-format.js';
import { encodeFrame, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from './segment.js';
import { syncDirectory } from './sync-directory.js';

/** Creates the file and leaves no handle and no file behind where that fails. */
export async function createSegmentFile(directory: string, name: string): Promise<SegmentFile> {
  const path = join(directory, name);
  const file = await open(path + NEW_SUFFIX, 'wx');
  try {
    const begin = { bytes: SEGMENT_HEADER_BYTES, points: 0 };
    await writeAll(file, [encodeSegmentHeader(name, begin)], 0);
    await file.datasync();
    await rename(path + NEW_SUFFIX, path);
    await syncDirectory(directory);
    return new SegmentFile(name, path, file);
  } catch (error) {
    await file.close();
    for (const left of [path, path + NEW_SUFFIX]) await unlink(left).catch(() => undefined);
    throw error;
  }
}

export class SegmentFile {
  readonly name: string;
  private readonly path: string;
  private readonly file: FileHandle;
  /** A write that failed could not be taken back: nothing may be written after it. */
  isSpoiled = false;
  /** Bytes and points that are on disk and acknowledged. */
  private acknowledged = { bytes: SEGMENT_HEADER_BYTES, points: 0 };

  constructor(name: string, path: string, file: FileHandle) {
    this.name = name;
    this.path = path;
    this.file = file;
  }

  /** Of the whole file. */
  get bytes(): number {
    return this.acknowledged.bytes;
  }

  get isEmpty(): boolean {
    return this.bytes === SEGMENT_HEADER_BYTES;
  }

  /** Writes blocks and resolves when they are on disk. Where that fails, nothing of them stands before later blocks. */
  async append(blocks: readonly NativeBlock[]): Promise<void> {
    const { bytes, points } = this.acknowledged;
    try {
      const pieces = blocks.flatMap((block) => encodeFrame(this.name, block));
      const end = await writeAll(this.file, pieces, bytes);
      await this.file.datasync();
      const added = countPoints(blocks.map(({ table, rows }) => [table, rows]));
      const acknowledged = { bytes: end, points: points + added };
      // After the fsync, so that a power failure cannot leave a header that says more than there is.
      await writeAll(this.file, [encodeSegmentHeader(this.name, acknowledged)], 0);
      this.acknowledged = acknowledged;
    } catch (error) {
      await this.file.truncate(bytes).catch(() => {
        this.isSpoiled = true;
      });
      throw error;
    }
  }

  /**
   * Closes the file, with its header on disk; removes it where nothing was written. Throws nothing: every point is on
   * disk already, and an empty file that stays is removed by the next start.
   */
  async close(): Promise<void> {
    // Without it the header may be one write behind after a power failure.
    await this.file.datasync().catch(() => undefined);
    await this.file.close().catch(() => undefined);
    if (this.isEmpty) await unlink(this.path).catch(() => undefined);
  }
}

/** Linux takes at most 1024 pieces a call. */
const PIECES_MAX = 1000;

/** Writes the pieces one after the other from a place in the file on; resolves with where they end. */
async function writeAll(file: FileHandle, pieces: readonly Uint8Array[], from: number): Promise<number> {
  let at = from;
  for (let first = 0; first < pieces.length; first += PIECES_MAX) {
    const some = pieces.slice(first, first + PIECES_MAX);
    const wanted = some.reduce((sum, piece) => sum + piece.byteLength, 0);
    let { bytesWritten } = await file.writev(some, at);
    if (bytesWritten < wanted) {
      const whole = Buffer.concat(some);
      while (bytesWritten < wanted) {
        bytesWritten += (await file.write(whole, bytesWritten, wanted - bytesWritten, at + bytesWritten))
          .bytesWritten;
      }
    }
    at += wanted;
  }
  return at;
}
