/**
 * Export requests of every shape, for fast-check: valid and invalid points of all five types, any AnyValue, presence,
 * flags, exemplars. Leaves plain objects by the .proto files' lowerCamelCase names (64-bit integers as bigint, bytes as
 * Uint8Array, unset fields absent); otlp-encoding.ts turns them into protobuf and JSON.
 */
import fc from 'fast-check';

/** The clock of every generated request, milliseconds. */
export const NOW_UNIX_MS = 1_700_000_000_000;
export const POINT_FUTURE_MAX_MS = 3_600_000;
export const POINT_AGE_MAX_MS = 30 * 86_400_000;

export type OtlpMessage = { [field: string]: OtlpValue };
export type OtlpValue = bigint | number | string | boolean | Uint8Array | OtlpMessage | OtlpValue[];

const NOW_NANO = BigInt(NOW_UNIX_MS) * 1_000_000n;

/** `value` mostly, otherwise one of the rest. */
export function mostly<T>(value: fc.Arbitrary<T>, ...rest: fc.Arbitrary<T>[]): fc.Arbitrary<T> {
  return fc.oneof({ arbitrary: value, weight: 12 }, ...rest.map((arbitrary) => ({ arbitrary, weight: 1 })));
}

/** A message whose fields may each be unset. */
export function message(fields: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<OtlpMessage> {
  return fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<OtlpMessage>;
}

/** The message with some fields always set. */
export function messageWith(
  required: string[],
  fields: Record<string, fc.Arbitrary<unknown>>,
): fc.Arbitrary<OtlpMessage> {
  return fc.record(fields, { requiredKeys: required }) as fc.Arbitrary<OtlpMessage>;
}

export function list<T>(item: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> {
  return fc.array(item, { maxLength, size: 'max', depthIdentifier: 'lists' });
}

/** Seldom empty. */
export function some<T>(item: fc.Arbitrary<T>, maxLength: number): fc.Arbitrary<T[]> {
  return mostly(
    fc.array(item, { minLength: 1, maxLength, size: 'max', depthIdentifier: 'lists' }),
    fc.constant<T[]>([]),
  );
}

export const double = fc.oneof(
  { arbitrary: fc.integer({ min: -1000, max: 1000 }), weight: 3 },
  { arbitrary: fc.double({ noNaN: false }), weight: 3 },
  fc.constantFrom(0, -0, Number.NaN, Infinity, -Infinity, 0.1, 5e-324, 1.7976931348623157e308, 1e21, 1e-7),
);
export const int64 = fc.oneof(
  fc.bigInt({ min: -1000n, max: 1000n }),
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc.constantFrom(0n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 32n, -1n),
);
export const uint64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 1000n }),
  fc.constantFrom(0n, 2n ** 32n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n),
);
export const text = fc.oneof(
  { arbitrary: fc.constantFrom('', 'a', 'b', 'c', 'http.route', 'GET', '{request}', 'ms'), weight: 4 },
  fc.constantFrom('\ufeffmark', 'é😀', '__proto__', 'constructor', '"\\\n\t\u0000', '�', 'x'.repeat(200)),
  fc.string({ unit: 'binary', maxLength: 8 }),
);
const bytes = fc.uint8Array({ maxLength: 6 });

const { anyValue } = fc.letrec<{ anyValue: OtlpMessage; keyValue: OtlpMessage }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true, maxDepth: 5 },
    { arbitrary: fc.record({ stringValue: text }) as fc.Arbitrary<OtlpMessage>, weight: 6 },
    fc.record({ boolValue: fc.boolean() }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ intValue: int64 }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ doubleValue: double }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ bytesValue: bytes }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ stringValueStrindex: fc.integer({ min: 0, max: 9 }) }) as fc.Arbitrary<OtlpMessage>,
    fc.constant({}),
    fc.record({ arrayValue: message({ values: list(tie('anyValue'), 3) }) }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ kvlistValue: message({ values: list(tie('keyValue'), 3) }) }) as fc.Arbitrary<OtlpMessage>,
  ),
  keyValue: message({ key: text, value: tie('anyValue') }),
}));
const attribute = mostly(
  messageWith(['key', 'value'], {
    key: fc.constantFrom('a', 'b', 'http.route', 'service.name', 'service.component'),
    value: anyValue,
  }),
  message({ key: text, value: anyValue, keyStrindex: fc.integer({ min: 0, max: 9 }) }),
);
const attributes = list(attribute, 4);

const time = mostly(
  fc.bigInt({ min: NOW_NANO - 3_000_000_000_000n, max: NOW_NANO + 3_000_000_000_000n }),
  fc.constantFrom(0n, NOW_NANO, 1n, 2n ** 64n - 1n, 2n ** 63n),
  fc.constant(NOW_NANO + BigInt(POINT_FUTURE_MAX_MS + 1000) * 1_000_000n),
  fc.constant(NOW_NANO - BigInt(POINT_AGE_MAX_MS + 1000) * 1_000_000n),
);
const flags = mostly(fc.constant(0), fc.constant(1), fc.constantFrom(2, 3, 2 ** 32 - 1));
const valueCase = (): fc.Arbitrary<OtlpMessage> =>
  mostly(
    fc.oneof(fc.record({ asInt: int64 }), fc.record({ asDouble: double })) as fc.Arbitrary<OtlpMessage>,
    fc.constant({}),
  );
const idOf = (length: number) =>
  fc.oneof(
    { arbitrary: fc.uint8Array({ minLength: length, maxLength: length }), weight: 4 },
    fc.constant(new Uint8Array(length)),
    fc.uint8Array({ maxLength: 20 }),
  );

/** Fields of one message drawn apart, where some of them hang together. */
export function merged(...parts: fc.Arbitrary<OtlpMessage>[]): fc.Arbitrary<OtlpMessage> {
  return fc.tuple(...parts).map((drawn) => Object.assign({}, ...drawn) as OtlpMessage);
}

const exemplar = merged(
  valueCase(),
  message({ filteredAttributes: attributes, timeUnixNano: time, spanId: idOf(8), traceId: idOf(16) }),
);
const exemplars = mostly(fc.constant([] as OtlpMessage[]), list(exemplar, 3), list(exemplar, 3));
const pointBase = merged(
  message({ attributes, startTimeUnixNano: time, exemplars, flags }),
  mostly(messageWith(['timeUnixNano'], { timeUnixNano: time }), fc.constant({})),
);
const numberPoint = merged(pointBase, valueCase());

export const increasing = fc
  .uniqueArray(fc.integer({ min: -50, max: 50 }), { maxLength: 5 })
  .map((values) => values.sort((a, b) => a - b));
const bounds: fc.Arbitrary<number[]> = mostly(
  increasing,
  fc.constantFrom(
    [-Infinity, 0, Infinity],
    [0, Infinity],
    [-Infinity],
    [-0],
    [1, 1],
    [2, 1],
    [Number.NaN],
    [0, -0],
    [Infinity, Infinity],
  ),
  list(double, 4),
);
const buckets = bounds.chain((explicitBounds) =>
  mostly(
    fc.array(uint64, { minLength: explicitBounds.length + 1, maxLength: explicitBounds.length + 1 }),
    fc.array(uint64, { minLength: explicitBounds.length, maxLength: explicitBounds.length }),
    list(uint64, 7),
    fc.constant<bigint[]>([]),
  ).map((bucketCounts): OtlpMessage => ({ explicitBounds, bucketCounts })),
);
const presence = message({ sum: double, min: double, max: double });
const histogramPoint = merged(
  pointBase,
  presence,
  message({ count: uint64 }),
  mostly(buckets, fc.constant({})),
);

const scale = mostly(fc.integer({ min: -10, max: 20 }), fc.constantFrom(-11, 21, 2 ** 31 - 1, -(2 ** 31)));
const bucketsOf = message({
  offset: mostly(
    fc.integer({ min: -5, max: 5 }),
    fc.constantFrom(1024, -1075, -1077, 1025, 2 ** 31 - 1, -(2 ** 31)),
    fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  ),
  bucketCounts: list(uint64, 5),
});
const exponentialPoint = merged(
  pointBase,
  presence,
  message({
    count: uint64,
    scale,
    zeroCount: uint64,
    positive: bucketsOf,
    negative: bucketsOf,
    zeroThreshold: double,
  }),
);

const quantileList = mostly(
  fc
    .uniqueArray(
      fc.integer({ min: 0, max: 20 }).map((n) => n / 20),
      { maxLength: 4 },
    )
    .map((q) => q.sort((a, b) => a - b)),
  fc.constantFrom<number[][]>([0, 1], [1, 0], [0.5, 0.5], [1.5], [-0.1], [Number.NaN], [-0]),
);
const quantileValues = quantileList.chain((quantiles) =>
  fc.tuple(...quantiles.map((quantile) => message({ value: double }).map((q) => ({ ...q, quantile })))),
);
const summaryPoint = merged(
  message({ attributes, startTimeUnixNano: time, flags, count: uint64, sum: double, quantileValues }),
  mostly(messageWith(['timeUnixNano'], { timeUnixNano: time }), fc.constant({})),
);

const temporality = mostly(fc.constantFrom(1, 2), fc.constantFrom(0, 3, 2 ** 31 - 1, -1));
/** Sometimes the first point comes again, as it is or with what another one has: what two writers of one series send. */
const withRepeats = (points: fc.Arbitrary<OtlpMessage>) =>
  fc
    .tuple(
      some(points, 4),
      mostly(fc.constant({} as OtlpMessage), points),
      mostly(fc.constant(false), fc.constant(true)),
    )
    .map(([list, other, comesAgain]) => {
      const [first] = list;
      if (first === undefined || !(comesAgain || 'timeUnixNano' in other)) return list;
      const { attributes, timeUnixNano, startTimeUnixNano } = first;
      const identity = { attributes, timeUnixNano, startTimeUnixNano };
      const own = Object.fromEntries(Object.entries(identity).filter(([, value]) => value !== undefined));
      const { attributes: _, timeUnixNano: __, startTimeUnixNano: ___, ...rest } = other;
      return [...list, comesAgain ? first : ({ ...rest, ...own } as OtlpMessage)];
    });
const dataOf = (points: fc.Arbitrary<OtlpMessage>, header: Record<string, fc.Arbitrary<unknown>> = {}) =>
  mostly(
    messageWith(['dataPoints', ...Object.keys(header)], { ...header, dataPoints: withRepeats(points) }),
    message({ ...header, dataPoints: list(points, 2) }),
  );
const data = mostly(
  fc.oneof(
    fc.record({ gauge: dataOf(numberPoint) }),
    fc.record({
      sum: dataOf(numberPoint, { aggregationTemporality: temporality, isMonotonic: fc.boolean() }),
    }),
    fc.record({ histogram: dataOf(histogramPoint, { aggregationTemporality: temporality }) }),
    fc.record({ exponentialHistogram: dataOf(exponentialPoint, { aggregationTemporality: temporality }) }),
    fc.record({ summary: dataOf(summaryPoint) }),
  ) as fc.Arbitrary<OtlpMessage>,
  fc.constant({} as OtlpMessage),
);
const metric = merged(
  mostly(
    fc.record({ name: fc.constantFrom('a', 'b', 'c') }) as fc.Arbitrary<OtlpMessage>,
    message({ name: text }),
  ),
  message({ description: text, unit: text }),
  mostly(fc.constant({} as OtlpMessage), message({ metadata: attributes })),
  data,
);

const url = fc.constantFrom(
  '',
  'https://opentelemetry.io/schemas/1.30.0',
  'https://opentelemetry.io/schemas/1.31.0',
);
const scope = message({
  name: fc.constantFrom('', 'lib', 'other'),
  version: fc.constantFrom('', '1.0.0'),
  attributes,
  droppedAttributesCount: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
});
const scopeMetrics = mostly(
  messageWith(['metrics'], { scope, metrics: some(metric, 4), schemaUrl: url }),
  message({ scope, metrics: list(metric, 2), schemaUrl: url }),
);
const resource = message({
  attributes,
  droppedAttributesCount: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  entityRefs: list(message({ type: text, idKeys: list(text, 2) }), 1),
});
const resourceMetrics = mostly(
  messageWith(['scopeMetrics'], { resource, scopeMetrics: some(scopeMetrics, 2), schemaUrl: url }),
  message({ resource, scopeMetrics: list(scopeMetrics, 1), schemaUrl: url }),
);

/** An ExportMetricsServiceRequest. */
export const exportRequest: fc.Arbitrary<OtlpMessage> = mostly(
  messageWith(['resourceMetrics'], { resourceMetrics: some(resourceMetrics, 2) }),
  fc.constant({}),
);
