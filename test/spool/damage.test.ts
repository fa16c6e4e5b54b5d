/**
 * Files of the spool that were changed, cut, emptied or cannot be read: everything that is readable is read, the rest is
 * counted, and nothing is taken for a crash that is none.
 */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SegmentContent } from '../../src/model/spool.js';
import { column, encodeBlock, type NativeBlock } from '../../src/spool/native-format.js';
import { encodeFrame, encodeSegmentHeader, SEGMENT_HEADER_BYTES } from '../../src/spool/segment.js';
import { openSpool } from '../../src/spool/spool.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'plumbline-spool-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

let runs = 0;
const open = () =>
  openSpool({ directory, bytesMax: 1e9, segmentBytesMax: 1e9, nowUnixMs: 1_700_000_000_000 + runs++ });

const POINTS = 20;
const block = (byte: number, table = 'number_points'): NativeBlock =>
  encodeBlock(table, POINTS, [column('x', 'UInt8', new Uint8Array(POINTS).fill(byte))]);

const segmentFiles = () =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.segment'))
    .sort();

interface Written {
  path: string;
  whole: Buffer;
  /** Where each frame ends; the first place is the end of the header. */
  borders: number[];
}

/** A segment of one frame for each byte, as a process that was killed after the last one leaves it. */
async function write(bytes: number[]): Promise<Written> {
  const before = new Set(segmentFiles());
  const spool = await open();
  const borders = [SEGMENT_HEADER_BYTES];
  const find = () => join(directory, segmentFiles().find((name) => !before.has(name))!);
  for (const byte of bytes) {
    await spool.append([block(byte)]);
    borders.push(readFileSync(find()).length);
  }
  const path = find();
  const whole = readFileSync(path);
  await spool.seal();
  // Whether it was closed makes no difference: a cut is seen either way.
  expect(readFileSync(path).equals(whole)).toBe(true);
  return { path, whole, borders };
}

/** What a new process reads of the only segment. */
async function readAgain(): Promise<SegmentContent> {
  const spool = await open();
  return spool.read(spool.oldest()!);
}

const valuesOf = ({ frames }: SegmentContent) => frames.map(({ payload }) => payload.at(-1)!);

describe('a damaged segment', () => {
  it('is whole where nothing happened to it', async () => {
    await write([1, 2, 3]);
    const content = await readAgain();
    expect(valuesOf(content)).toEqual([1, 2, 3]);
    expect(content.damage).toBeUndefined();
    expect(content.tornBytes).toBe(0);
  });

  it('loses one frame at most to a flipped bit, wherever it is, and counts its points', async () => {
    const { path, whole, borders } = await write([1, 2, 3]);
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = changed[at]! ^ 0x10;
      writeFileSync(path, changed);
      const content = await readAgain();
      const lost = borders.findIndex((border) => at < border);
      expect(valuesOf(content), `byte ${at}`).toEqual([1, 2, 3].filter((value) => value !== lost));
      expect(content.tornBytes).toBe(0);
      expect(content.damage).toMatchObject({
        pointsLostMin: lost === 0 ? 0 : POINTS,
        bytesLost: lost === 0 ? SEGMENT_HEADER_BYTES : borders[lost]! - borders[lost - 1]!,
      });
    }
  });

  it('is not taken for a crash where its end is cut off, inside a frame or between two', async () => {
    const { path, whole, borders } = await write([1, 2, 3]);
    for (let length = SEGMENT_HEADER_BYTES; length < whole.length; length++) {
      writeFileSync(path, whole.subarray(0, length));
      const content = await readAgain();
      const kept = borders.filter((border) => border <= length).length - 1;
      expect(valuesOf(content), `${length} bytes`).toEqual([1, 2, 3].slice(0, kept));
      expect(content.tornBytes).toBe(0);
      expect(content.damage).toMatchObject({
        pointsLostMin: POINTS * (3 - kept),
        bytesLost: whole.length - borders[kept]!,
      });
    }
  });

  it('is damaged where it is empty: a file that a crash left has a header', async () => {
    const { path } = await write([1, 2]);
    truncateSync(path, 0);
    const content = await readAgain();
    expect(content).toMatchObject({ frames: [], tornBytes: 0, damage: { pointsLostMin: 0, bytesLost: 0 } });
    expect(content.damage!.reason).toMatch(/empty/);
  });

  it('is read behind a part that was cut out of its middle', async () => {
    const { path, whole, borders } = await write([1, 2, 3, 4]);
    const [, first, second] = borders as [number, number, number];
    writeFileSync(path, Buffer.concat([whole.subarray(0, first + 5), whole.subarray(second - 7)]));
    const content = await readAgain();
    expect(valuesOf(content)).toEqual([1, 3, 4]);
    expect(content.damage!.pointsLostMin).toBe(POINTS);
  });

  it('counts only points as points: series and exemplars are none', async () => {
    const spool = await open();
    await spool.append([block(1, 'series'), block(2), block(3, 'exemplars')]);
    await spool.seal();
    truncateSync(join(directory, segmentFiles()[0]!), SEGMENT_HEADER_BYTES + 3);
    expect((await readAgain()).damage!.pointsLostMin).toBe(POINTS);
  });

  it('gives no frame that a sender wrote into a text of its own', async () => {
    const forged = Buffer.concat(encodeFrame('guessed.segment', block(99)));
    const spool = await open();
    await spool.append([
      encodeBlock('number_points', 1, [
        column('x', 'String', Buffer.concat([Buffer.of(forged.length), forged])),
      ]),
      block(2),
    ]);
    await spool.seal();
    const path = join(directory, segmentFiles()[0]!);
    const changed = readFileSync(path);
    changed[SEGMENT_HEADER_BYTES] = 0;
    writeFileSync(path, changed);
    const content = await readAgain();
    expect(valuesOf(content)).toEqual([2]);
    expect(content.damage!.bytesLost).toBeGreaterThan(forged.length);
  });
});

describe('a crash', () => {
  it('costs nothing but the write that it cut short, at whatever byte', async () => {
    const { path, whole, borders } = await write([1, 2]);
    const spool = await open();
    // The header as the first write left it.
    const header = encodeSegmentHeader(basename(path), { bytes: borders[1]!, points: POINTS });
    for (let cut = borders[1]! + 1; cut < whole.length; cut++) {
      writeFileSync(path, Buffer.concat([header, whole.subarray(header.length, cut)]));
      const content = await spool.read(spool.oldest()!);
      expect(valuesOf(content), `cut at ${cut}`).toEqual([1]);
      expect(content.damage).toBeUndefined();
      expect(content.tornBytes).toBe(cut - borders[1]!);
    }
  });

  it('of the machine may leave anything behind what was acknowledged: zeros, a part of a write, whole frames after it', async () => {
    const { path, whole, borders } = await write([1, 2, 3]);
    const header = encodeSegmentHeader(basename(path), { bytes: borders[1]!, points: POINTS });
    const acknowledged = Buffer.concat([header, whole.subarray(header.length, borders[1]!)]);
    const second = whole.subarray(borders[1]!, borders[2]!);
    const third = whole.subarray(borders[2]!);
    const zeros = (bytes: number) => Buffer.alloc(bytes);
    const halfZero = Buffer.concat([second.subarray(0, 30), zeros(second.length - 30)]);
    for (const [tail, values, tornBytes] of [
      [zeros(1), [1], 1],
      [zeros(4096), [1], 4096],
      [halfZero, [1], second.length],
      [Buffer.concat([zeros(second.length), third]), [1, 3], second.length],
      [Buffer.concat([second, zeros(third.length)]), [1, 2], third.length],
    ] as const) {
      writeFileSync(path, Buffer.concat([acknowledged, tail]));
      const content = await readAgain();
      expect(valuesOf(content)).toEqual(values);
      expect(content.damage).toBeUndefined();
      expect(content.tornBytes).toBe(tornBytes);
    }
  });

  it('of the machine does not hide damage in front of it', async () => {
    const { path, whole } = await write([1, 2]);
    const changed = Buffer.concat([whole, Buffer.alloc(500)]);
    changed[whole.length - 3]! ^= 1;
    writeFileSync(path, changed);
    const content = await readAgain();
    expect(valuesOf(content)).toEqual([1]);
    expect(content.tornBytes).toBe(500);
    expect(content.damage).toMatchObject({
      pointsLostMin: POINTS,
      bytesLost: (whole.length - SEGMENT_HEADER_BYTES) / 2,
    });
  });

  it('between the write and its header loses nothing', async () => {
    const { path, whole, borders } = await write([1, 2]);
    const header = encodeSegmentHeader(basename(path), { bytes: borders[1]!, points: POINTS });
    writeFileSync(path, Buffer.concat([header, whole.subarray(header.length)]));
    const content = await readAgain();
    expect(valuesOf(content)).toEqual([1, 2]);
    expect(content.damage).toBeUndefined();
  });

  it('before the first write leaves nothing to store and nothing to report', async () => {
    const { path } = await write([1]);
    const nothing = { bytes: SEGMENT_HEADER_BYTES, points: 0 };
    writeFileSync(path, encodeSegmentHeader(basename(path), nothing));
    writeFileSync(`${path}.new`, '');
    expect(await readAgain()).toEqual({ frames: [], tornBytes: 0 });
    expect(existsSync(`${path}.new`)).toBe(false);
  });
});

describe('a spool with a file that cannot be read', () => {
  it('opens, reports that file, keeps it, and gives the others', async () => {
    mkdirSync(join(directory, '00000000000000-a.segment'));
    symlinkSync('/nowhere', join(directory, '00000000000000-b.segment'));
    await write([5]);
    const spool = await open();
    for (const name of ['00000000000000-a.segment', '00000000000000-b.segment']) {
      const segment = spool.oldest()!;
      expect(segment.name).toBe(name);
      const content = await spool.read(segment);
      expect(content.frames).toEqual([]);
      expect(content.damage!.reason).toMatch(/EISDIR|ENOENT/);
      await spool.quarantine(segment);
      expect(readdirSync(join(directory, 'quarantine'))).toContain(name);
    }
    expect(valuesOf(await spool.read(spool.oldest()!))).toEqual([5]);
    expect((await spool.readQuarantine()).segments).toBe(2);
  });

  it('opens where there can be no quarantine, and says why', async () => {
    rmSync(join(directory, 'quarantine'), { recursive: true, force: true });
    writeFileSync(join(directory, 'quarantine'), '');
    await write([5]);
    const spool = await open();
    expect(await spool.readQuarantine()).toMatchObject({
      segments: 0,
      failure: expect.stringContaining('ENOTDIR'),
    });
    const segment = spool.oldest()!;
    await expect(spool.quarantine(segment)).rejects.toThrow();
    expect(valuesOf(await spool.read(segment))).toEqual([5]);
  });

  it('goes on where a file was taken away by somebody else', async () => {
    const { path } = await write([1]);
    await write([2]);
    const spool = await open();
    rmSync(path);
    const gone = spool.oldest()!;
    expect((await spool.read(gone)).damage!.reason).toMatch(/ENOENT/);
    await spool.quarantine(gone);
    expect(valuesOf(await spool.read(spool.oldest()!))).toEqual([2]);
  });
});

describe('a spool without a free file descriptor', () => {
  it('refuses, loses no descriptor however often it tries, and writes again when there is one', () => {
    const spoolModule = new URL('../../dist/spool/spool.js', import.meta.url).href;
    const program = `
      import { closeSync, openSync, readdirSync } from 'node:fs';
      import { openSpool } from '${spoolModule}';
      const count = () => readdirSync('/proc/self/fd').length;
      const spool = await openSpool({ directory: process.argv[1], bytesMax: 1e9, segmentBytesMax: 1e9, nowUnixMs: 1 });
      const block = { table: 'number_points', rows: 1, pieces: [Buffer.from('x')] };
      const before = count();
      const held = [];
      try { for (;;) held.push(openSync('/dev/null')); } catch {}
      // One is left for the file, none for its directory.
      closeSync(held.pop());
      const codes = [];
      for (let i = 0; i < 20; i++) await spool.append([block]).catch((error) => codes.push(error.code));
      for (const fd of held) closeSync(fd);
      const left = count() - before;
      await spool.append([block]);
      await spool.seal();
      const { frames } = await spool.read(spool.oldest());
      console.log(JSON.stringify({ codes: [...new Set(codes)], failed: codes.length, left, frames: frames.length, files: readdirSync(process.argv[1]).length }));
    `;
    const limited = ['-c', 'ulimit -n 128; exec "$0" "$@"', process.execPath];
    const printed = execFileSync('sh', [...limited, '--input-type=module', '-e', program, directory]);
    // The segment and the folder of those in quarantine.
    const whole = { codes: ['EMFILE'], failed: 20, left: 0, frames: 1, files: 2 };
    expect(JSON.parse(printed.toString())).toEqual(whole);
  });
});
