/** Stretches of a request's bytes, and the fields that they hold. */
import type { WireReader } from './wire-reader.js';

/** A stretch of the request's bytes. */
export class Span {
  static readonly none = new Span(0, 0);
  constructor(
    readonly from: number,
    readonly to: number,
  ) {}
}
export type Spans = Span[];

/** Every field `tag` of the message between `from` and `to`. */
export function collectSpans(reader: WireReader, from: number, to: number, tag: number): Spans {
  const spans: Spans = [];
  reader.pos = from;
  while (reader.pos < to) {
    const found = reader.readTag(to);
    if (found === tag) {
      const length = reader.readLength(to);
      spans.push(new Span(reader.pos, reader.pos + length));
      reader.pos += length;
    } else reader.skip(found, to);
  }
  return spans;
}

export function countBytes(spans: Readonly<Spans>): number {
  let bytes = 0;
  for (const { from, to } of spans) bytes += to - from;
  return bytes;
}
