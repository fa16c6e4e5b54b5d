/**
 * Something that must not happen, and the smallest request that makes it happen. Leaves two files: the bytes, and what
 * was found with them.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export class Finding extends Error {
  override readonly name = 'Finding';
  constructor(
    /** The same kind means the same fault, whatever the bytes are. */
    readonly kind: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** Where a finding came from, enough to make it again. */
export interface Origin {
  part: 'decoder' | 'server';
  seed: number;
  /** Number of the request within the run. */
  number: number;
  encoding: string;
  mutations: readonly string[];
}

const SHRINK_TRIES_MAX = 3_000;

/** Takes away stretches, halves first, for as long as `isFound` still says so. */
export function shrink(bytes: Buffer, isFound: (bytes: Buffer) => boolean): Buffer {
  let smallest = bytes;
  let tries = 0;
  for (let size = Math.ceil(bytes.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < smallest.length && tries < SHRINK_TRIES_MAX; tries++) {
      const shorter = Buffer.concat([smallest.subarray(0, from), smallest.subarray(from + size)]);
      if (isFound(shorter)) smallest = shorter;
      else from += size;
    }
  }
  return smallest;
}

/** Path of the file with the bytes. */
export function writeFinding(directory: string, finding: Finding, bytes: Uint8Array, origin: Origin): string {
  mkdirSync(directory, { recursive: true });
  const name = `${origin.part}-${origin.seed}-${origin.number}-${finding.kind.replace(/\W+/g, '-')}`;
  const path = join(directory, `${name}.${origin.encoding === 'json' ? 'json' : 'bin'}`);
  writeFileSync(path, bytes);
  const { stack = '', cause } = finding;
  const text = { ...origin, kind: finding.kind, message: finding.message, cause: String(cause ?? ''), stack };
  writeFileSync(join(directory, `${name}.txt`), `${JSON.stringify(text, null, 2)}\n`);
  return path;
}
