/**
 * The messages of an OTLP metrics request as data: for each JSON name its field number and type, as the .proto files in
 * proto/ have them. Used to turn OTLP/JSON into protobuf; the protobuf decoder does not need it.
 */

/** Types that JSON writes in a form of its own; `id` is hex where other bytes are base64. */
export type ScalarType =
  | 'string'
  | 'bool'
  | 'double'
  | 'fixed64'
  | 'sfixed64'
  | 'int64'
  | 'uint64'
  | 'uint32'
  | 'sint32'
  | 'bytes'
  | 'id';

/** All fields have the same members, so that code that walks them stays fast. */
export interface Field {
  /** Place among the fields of its message. */
  index: number;
  /** Number and wire type as they stand before a value. */
  tag: number;
  type: ScalarType | 'message' | 'enum';
  message: Message | undefined;
  enumeration: Enumeration | undefined;
  isRepeated: boolean;
  /** Scalars in one length-delimited run. */
  isPacked: boolean;
}

/** Fields by JSON name, in lowerCamelCase and snake_case. */
export class Message {
  private readonly byName = new Map<string, Field>();
  private size = 0;
  /** Open addressing by a hash of the name's bytes, so that a name need not become a string to be found. */
  private slots: ({ name: Buffer; field: Field } | undefined)[] = new Array(NAME_SLOTS);

  add(
    number: number,
    name: string,
    type: ScalarType | Message | Enumeration,
    repetition: 'single' | 'repeated' = 'single',
  ): this {
    const isRepeated = repetition === 'repeated';
    const isPacked = isRepeated && typeof type === 'string' && type !== 'string';
    const field: Field = {
      index: this.size++,
      tag: number * 8 + (isPacked ? DELIMITED : wireType(type)),
      type: type instanceof Message ? 'message' : type instanceof Enumeration ? 'enum' : type,
      message: type instanceof Message ? type : undefined,
      enumeration: type instanceof Enumeration ? type : undefined,
      isRepeated,
      isPacked,
    };
    this.addName(name, field);
    this.addName(
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      field,
    );
    return this;
  }

  find(name: string): Field | undefined {
    return this.byName.get(name);
  }

  /** The field whose name stands in `bytes` from `from` to `to`. */
  findBytes(bytes: Uint8Array, from: number, to: number): Field | undefined {
    for (let slot = hashName(bytes, from, to); ; slot = (slot + 1) % NAME_SLOTS) {
      const entry = this.slots[slot];
      if (entry === undefined) return undefined;
      if (isSame(entry.name, bytes, from, to)) return entry.field;
    }
  }

  private addName(text: string, field: Field): void {
    if (this.byName.has(text)) return;
    this.byName.set(text, field);
    const name = Buffer.from(text);
    let slot = hashName(name, 0, name.length);
    while (this.slots[slot] !== undefined) slot = (slot + 1) % NAME_SLOTS;
    this.slots[slot] = { name, field };
  }
}

/** Wire types of protobuf. */
const VARINT = 0;
const FIXED64 = 1;
const DELIMITED = 2;

function wireType(type: ScalarType | Message | Enumeration): number {
  if (type instanceof Message || type === 'string' || type === 'bytes' || type === 'id') return DELIMITED;
  return type === 'double' || type === 'fixed64' || type === 'sfixed64' ? FIXED64 : VARINT;
}

/** Far more than any message has names. */
const NAME_SLOTS = 256;

/** Length, first, middle and last byte tell nearly all names of a message apart. */
function hashName(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length === 0) return 0;
  const middle = bytes[from + (length >>> 1)]!;
  return (length * 7 + bytes[from]! * 31 + middle * 13 + bytes[to - 1]! * 3) % NAME_SLOTS;
}

function isSame(name: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  if (name.length !== to - from) return false;
  for (let i = 0; i < name.length; i++) if (name[i] !== bytes[from + i]) return false;
  return true;
}

/** Numbers by name. */
export class Enumeration {
  readonly numbers: ReadonlyMap<string, number>;
  constructor(names: Record<string, number>) {
    this.numbers = new Map(Object.entries(names));
  }
}

const anyValue = new Message();
const keyValue = new Message().add(1, 'key', 'string').add(2, 'value', anyValue);
anyValue
  .add(1, 'stringValue', 'string')
  .add(2, 'boolValue', 'bool')
  .add(3, 'intValue', 'int64')
  .add(4, 'doubleValue', 'double')
  .add(5, 'arrayValue', new Message().add(1, 'values', anyValue, 'repeated'))
  .add(6, 'kvlistValue', new Message().add(1, 'values', keyValue, 'repeated'))
  .add(7, 'bytesValue', 'bytes')
  .add(8, 'stringValueStrindex', 'int64');

const exemplar = new Message()
  .add(2, 'timeUnixNano', 'fixed64')
  .add(3, 'asDouble', 'double')
  .add(4, 'spanId', 'id')
  .add(5, 'traceId', 'id')
  .add(6, 'asInt', 'sfixed64')
  .add(7, 'filteredAttributes', keyValue, 'repeated');

const numberDataPoint = new Message()
  .add(2, 'startTimeUnixNano', 'fixed64')
  .add(3, 'timeUnixNano', 'fixed64')
  .add(4, 'asDouble', 'double')
  .add(5, 'exemplars', exemplar, 'repeated')
  .add(6, 'asInt', 'sfixed64')
  .add(7, 'attributes', keyValue, 'repeated')
  .add(8, 'flags', 'uint32');

const histogramDataPoint = new Message()
  .add(2, 'startTimeUnixNano', 'fixed64')
  .add(3, 'timeUnixNano', 'fixed64')
  .add(4, 'count', 'fixed64')
  .add(5, 'sum', 'double')
  .add(6, 'bucketCounts', 'fixed64', 'repeated')
  .add(7, 'explicitBounds', 'double', 'repeated')
  .add(8, 'exemplars', exemplar, 'repeated')
  .add(9, 'attributes', keyValue, 'repeated')
  .add(10, 'flags', 'uint32')
  .add(11, 'min', 'double')
  .add(12, 'max', 'double');

const buckets = new Message().add(1, 'offset', 'sint32').add(2, 'bucketCounts', 'uint64', 'repeated');

const exponentialHistogramDataPoint = new Message()
  .add(1, 'attributes', keyValue, 'repeated')
  .add(2, 'startTimeUnixNano', 'fixed64')
  .add(3, 'timeUnixNano', 'fixed64')
  .add(4, 'count', 'fixed64')
  .add(5, 'sum', 'double')
  .add(6, 'scale', 'sint32')
  .add(7, 'zeroCount', 'fixed64')
  .add(8, 'positive', buckets)
  .add(9, 'negative', buckets)
  .add(10, 'flags', 'uint32')
  .add(11, 'exemplars', exemplar, 'repeated')
  .add(12, 'min', 'double')
  .add(13, 'max', 'double')
  .add(14, 'zeroThreshold', 'double');

const summaryDataPoint = new Message()
  .add(2, 'startTimeUnixNano', 'fixed64')
  .add(3, 'timeUnixNano', 'fixed64')
  .add(4, 'count', 'fixed64')
  .add(5, 'sum', 'double')
  .add(6, 'quantileValues', new Message().add(1, 'quantile', 'double').add(2, 'value', 'double'), 'repeated')
  .add(7, 'attributes', keyValue, 'repeated')
  .add(8, 'flags', 'uint32');

const temporality = new Enumeration({
  AGGREGATION_TEMPORALITY_UNSPECIFIED: 0,
  AGGREGATION_TEMPORALITY_DELTA: 1,
  AGGREGATION_TEMPORALITY_CUMULATIVE: 2,
});
const points = (point: Message) => new Message().add(1, 'dataPoints', point, 'repeated');

const metric = new Message()
  .add(1, 'name', 'string')
  .add(2, 'description', 'string')
  .add(3, 'unit', 'string')
  .add(5, 'gauge', points(numberDataPoint))
  .add(
    7,
    'sum',
    points(numberDataPoint).add(2, 'aggregationTemporality', temporality).add(3, 'isMonotonic', 'bool'),
  )
  .add(9, 'histogram', points(histogramDataPoint).add(2, 'aggregationTemporality', temporality))
  .add(
    10,
    'exponentialHistogram',
    points(exponentialHistogramDataPoint).add(2, 'aggregationTemporality', temporality),
  )
  .add(11, 'summary', points(summaryDataPoint))
  .add(12, 'metadata', keyValue, 'repeated');

const scope = new Message()
  .add(1, 'name', 'string')
  .add(2, 'version', 'string')
  .add(3, 'attributes', keyValue, 'repeated')
  .add(4, 'droppedAttributesCount', 'uint32');

const scopeMetrics = new Message()
  .add(1, 'scope', scope)
  .add(2, 'metrics', metric, 'repeated')
  .add(3, 'schemaUrl', 'string');

const entityRef = new Message()
  .add(1, 'schemaUrl', 'string')
  .add(2, 'type', 'string')
  .add(3, 'idKeys', 'string', 'repeated')
  .add(4, 'descriptionKeys', 'string', 'repeated');

const resource = new Message()
  .add(1, 'attributes', keyValue, 'repeated')
  .add(2, 'droppedAttributesCount', 'uint32')
  .add(3, 'entityRefs', entityRef, 'repeated');

const resourceMetrics = new Message()
  .add(1, 'resource', resource)
  .add(2, 'scopeMetrics', scopeMetrics, 'repeated')
  .add(3, 'schemaUrl', 'string');

export const EXPORT_REQUEST = new Message().add(1, 'resourceMetrics', resourceMetrics, 'repeated');
