/**
 * Room on the file system of the data directory. Enters: a folder and how much is to stay free; leaves: whether there is
 * less. What stays free is for the engine, which needs room to merge, to answer, and to change its schema: a file system
 * that is filled to the last byte can damage the metadata of its tables.
 */
import { readFreeSpace } from './model/free-space.js';

export interface DiskSpace {
  /** As it was when it was last looked at, at most `LOOK_AGAIN_MS` before the last call, plus the time of one look. */
  isLow(): boolean;
  /** Looks now; the reason where there is too little room. */
  findProblem(): Promise<string | undefined>;
}

const LOOK_AGAIN_MS = 500;
/** Of a small file system no more than this part is kept free. */
const SHARE_MAX = 1 / 20;

export interface DiskSpaceOptions {
  directory: string;
  /** What is to stay free, bytes; of a small file system a twentieth. */
  freeBytesMin: number;
  /** A clock that only goes forward. */
  nowMs?: () => number;
}

export function createDiskSpace(options: DiskSpaceOptions): DiskSpace {
  const { directory, freeBytesMin, nowMs = () => performance.now() } = options;
  let problem: string | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let looking: Promise<void> | undefined;

  async function look(): Promise<void> {
    lookedMs = nowMs();
    // A folder that cannot be looked at says so when it is written to.
    const found = await readFreeSpace(directory);
    problem = undefined;
    if (found === undefined) return;
    const { freeBytes, sizeBytes } = found;
    const wanted = Math.min(freeBytesMin, sizeBytes * SHARE_MAX);
    if (freeBytes >= wanted) return;
    problem =
      `the disk is full: the file system of ${directory} has ${freeBytes} bytes left and ${Math.ceil(wanted)} are kept free ` +
      '(PLUMBLINE_DISK_FREE_BYTES_MIN); make room on it';
  }

  function lookOnce(): Promise<void> {
    looking ??= look().finally(() => {
      looking = undefined;
    });
    return looking;
  }

  return {
    isLow() {
      if (nowMs() - lookedMs > LOOK_AGAIN_MS) void lookOnce();
      return problem !== undefined;
    },
    async findProblem() {
      await lookOnce();
      return problem;
    },
  };
}
