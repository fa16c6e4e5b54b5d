/**
 * Is a message well-formed? Enters: a stretch of wire bytes and which message it is; leaves nothing, or throws. For
 * bytes whose content is not wanted (rejected points, replaced oneof cases, values nested too deep): a request is
 * malformed or not whatever becomes of its points. Never recurses, so no nesting is too deep for it.
 */
import type { MetricType } from '../model/series.js';
import { malformed, type WireReader } from './wire-reader.js';

/** Content of a length-delimited field that has a form of its own; texts and bytes have none. */
type Content = Shape | 'packed 64-bit' | 'packed varints';
/** Contents by tag; whatever has another tag is skipped by its wire type, as protobuf skips unknown fields. */
export type Shape = ReadonlyMap<number, Content>;

const PLAIN: Shape = new Map();
const anyValue = new Map<number, Content>();
export const KEY_VALUE: Shape = new Map([[0x12, anyValue]]);
anyValue.set(0x2a, new Map([[0x0a, anyValue]])).set(0x32, new Map([[0x0a, KEY_VALUE]]));
export const ANY_VALUE: Shape = anyValue;

export const RESOURCE: Shape = new Map([
  [0x0a, KEY_VALUE],
  [0x1a, PLAIN], // entity_refs
]);
export const SCOPE: Shape = new Map([[0x1a, KEY_VALUE]]);

const EXEMPLAR: Shape = new Map([[0x3a, KEY_VALUE]]);
const NUMBER_POINT: Shape = new Map([
  [0x2a, EXEMPLAR],
  [0x3a, KEY_VALUE],
]);
const BUCKETS: Shape = new Map([[0x12, 'packed varints']]);

export const POINT_SHAPES: Record<MetricType, Shape> = {
  gauge: NUMBER_POINT,
  sum: NUMBER_POINT,
  histogram: new Map<number, Content>([
    [0x32, 'packed 64-bit'],
    [0x3a, 'packed 64-bit'],
    [0x42, EXEMPLAR],
    [0x4a, KEY_VALUE],
  ]),
  exponential_histogram: new Map([
    [0x0a, KEY_VALUE],
    [0x42, BUCKETS],
    [0x4a, BUCKETS],
    [0x5a, EXEMPLAR],
  ]),
  summary: new Map([
    [0x32, PLAIN], // quantile_values
    [0x3a, KEY_VALUE],
  ]),
};

/** The message of a case of Metric.data: its points are field 1. */
export function dataShape(type: MetricType): Shape {
  return new Map([[0x0a, POINT_SHAPES[type]]]);
}

/** An ExportMetricsServiceRequest. */
export const EXPORT_REQUEST: Shape = new Map([
  [
    0x0a,
    new Map<number, Content>([
      [0x0a, RESOURCE],
      [
        0x12,
        new Map<number, Content>([
          [0x0a, SCOPE],
          [
            0x12,
            new Map<number, Content>([
              [0x2a, dataShape('gauge')],
              [0x3a, dataShape('sum')],
              [0x4a, dataShape('histogram')],
              [0x52, dataShape('exponential_histogram')],
              [0x5a, dataShape('summary')],
              [0x62, KEY_VALUE],
            ]),
          ],
        ]),
      ],
    ]),
  ],
]);

/** Throws where the message between `from` and `to` is malformed; `reader.pos` is `to` afterwards. */
export function checkMessage(reader: WireReader, shape: Shape, from: number, to: number): void {
  new MessageCheck(reader, shape, from, to).run(Number.POSITIVE_INFINITY);
}

/** A check that can be done piece by piece. */
export class MessageCheck {
  /** Messages found so far inside the one that is checked. */
  messages = 0;
  /** Messages around the one at hand that go on after it. */
  private readonly outer: { content: Content; end: number }[] = [];

  constructor(
    private readonly reader: WireReader,
    private content: Content,
    from: number,
    private end: number,
  ) {
    reader.pos = from;
  }

  /** Goes on for so many fields; true where the end was reached. Throws where the message is malformed. */
  run(fieldsMax: number): boolean {
    const { reader, outer } = this;
    let { content: current, end } = this;
    for (let fields = 0; fields < fieldsMax; fields++) {
      if (reader.pos >= end) {
        const next = outer.pop();
        if (next === undefined) return true;
        current = next.content;
        end = next.end;
        continue;
      }
      if (typeof current === 'string') {
        reader.readVarint64(end);
        continue;
      }
      const tag = reader.readTag(end);
      const content = current.get(tag);
      if (content === undefined) reader.skip(tag, end);
      else if (content === 'packed 64-bit') skipPacked64(reader, end);
      else {
        if (typeof content !== 'string') this.messages++;
        const length = reader.readLength(end);
        const innerEnd = reader.pos + length;
        if (innerEnd < end) outer.push({ content: current, end });
        current = content;
        end = innerEnd;
      }
    }
    this.content = current;
    this.end = end;
    return false;
  }
}

function skipPacked64(reader: WireReader, end: number): void {
  const length = reader.readLength(end);
  if (length % 8 !== 0) throw malformed('a packed 64-bit list is not a multiple of 8 bytes long', reader.pos);
  reader.pos += length;
}
