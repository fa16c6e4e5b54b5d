/**
 * Exemplars, which the JavaScript SDK leaves out when it writes its requests: a single measurement and its trace, beside the
 * histogram it was counted in. Enters the bytes of an OTLP request; leaves the same request with exemplars in some of its
 * points. Changes nothing else in it.
 */
import type { Random } from './random.js';

/** Field numbers from the request down to the points of a metric. */
const REQUEST_TO_METRIC = [1, 2, 2];
const HISTOGRAM = { metric: 9, exemplars: 8, min: 11, max: 12 };
const EXPONENTIAL = { metric: 10, exemplars: 11, min: 12, max: 13 };
const POINTS = 1;
const TIME = 3;
const COUNT = 4;
const SUM = 5;
type Shape = typeof HISTOGRAM;

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;

interface Field {
  number: number;
  type: number;
  /** Where the field begins, its content begins, and it ends. */
  start: number;
  content: number;
  end: number;
}

/** `chance`: of a point that has counted something. */
export function addExemplars(request: Uint8Array, random: Random, chance: number): Uint8Array {
  return rewrite(Buffer.from(request), REQUEST_TO_METRIC, (metric) => {
    const points = (shape: Shape) => (bytes: Buffer) =>
      rewrite(bytes, [POINTS], (point) => addExemplar(point, shape, random, chance));
    const withHistograms = rewrite(metric, [HISTOGRAM.metric], points(HISTOGRAM));
    return rewrite(withHistograms, [EXPONENTIAL.metric], points(EXPONENTIAL));
  });
}

/** A message with what lies at the end of a path of fields put through `change`; lengths on the way follow. */
function rewrite(message: Buffer, path: readonly number[], change: (content: Buffer) => Buffer): Buffer {
  const [number, ...rest] = path;
  if (number === undefined) return change(message);
  const parts: Buffer[] = [];
  for (const field of fieldsOf(message)) {
    if (field.number !== number || field.type !== LENGTH) {
      parts.push(message.subarray(field.start, field.end));
      continue;
    }
    const content = rewrite(message.subarray(field.content, field.end), rest, change);
    parts.push(lengthField(number, content));
  }
  return Buffer.concat(parts);
}

function* fieldsOf(message: Buffer): Generator<Field> {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = message[at++]!;
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  };
  while (at < message.length) {
    const start = at;
    const key = varint();
    const type = key & 7;
    const length = type === LENGTH ? varint() : type === FIXED64 ? 8 : type === FIXED32 ? 4 : 0;
    const content = at;
    if (type === VARINT) varint();
    else at += length;
    yield { number: key >>> 3, type, start, content, end: at };
  }
}

function addExemplar(point: Buffer, shape: Shape, random: Random, chance: number): Buffer {
  if (!random.chance(chance)) return point;
  const fixed = new Map<number, number>();
  for (const { number, type, content } of fieldsOf(point)) if (type === FIXED64) fixed.set(number, content);
  const double = (number: number) => (fixed.has(number) ? point.readDoubleLE(fixed.get(number)!) : undefined);
  const count = fixed.has(COUNT) ? Number(point.readBigUInt64LE(fixed.get(COUNT)!)) : 0;
  const time = fixed.get(TIME);
  if (count === 0 || time === undefined) return point;
  const mean = (double(SUM) ?? 0) / count;
  const value = Math.min(
    Math.max(random.logNormal(mean, 0.5), double(shape.min) ?? 0),
    double(shape.max) ?? Infinity,
  );
  const asDouble = Buffer.alloc(9);
  asDouble[0] = (3 << 3) | FIXED64;
  asDouble.writeDoubleLE(value, 1);
  const exemplar = Buffer.concat([
    Buffer.from([(2 << 3) | FIXED64]),
    point.subarray(time, time + 8),
    asDouble,
    lengthField(4, drawBytes(random, 8)),
    lengthField(5, drawBytes(random, 16)),
  ]);
  return Buffer.concat([point, lengthField(shape.exemplars, exemplar)]);
}

function drawBytes(random: Random, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => Math.floor(random.uniform() * 256)));
}

function lengthField(number: number, content: Buffer): Buffer {
  return Buffer.concat([varintOf((number << 3) | LENGTH), varintOf(content.length), content]);
}

function varintOf(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
  return Buffer.from([...bytes, rest]);
}
