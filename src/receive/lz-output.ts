/**
 * What decoders of the Lempel-Ziv formats share: copying what was written before, and letting others have the event loop.
 */

/** So many bytes are decoded before others have their turn. */
export const SLICE_BYTES = 1024 * 1024;
/** Up to this length a loop is faster than a call. */
const LOOP_BYTES_MAX = 64;

/** Copies `length` bytes from `offset` bytes before `at` to `at`; where they overlap, the bytes repeat. */
export function copyMatch(out: Buffer, at: number, offset: number, length: number): void {
  const source = at - offset;
  if (length <= LOOP_BYTES_MAX) {
    for (let i = 0; i < length; i++) out[at + i] = out[source + i]!;
    return;
  }
  const end = at + length;
  // Each round copies all that is written of the repetition, so that it doubles.
  for (let to = at; to < end; ) {
    const bytes = Math.min(to - source, end - to);
    out.copyWithin(to, source, source + bytes);
    to += bytes;
  }
}

/** Resolves after others had the event loop. */
export function pause(): Promise<void> {
  return new Promise((done) => setImmediate(done));
}
