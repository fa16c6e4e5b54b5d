/**
 * Export requests that must come back whole, for fast-check: all that otlp-arbitrary.ts draws except what is rejected
 * and what docs/decisions/0010-fidelity.md says is not kept. Within a request every stream has one description and
 * every point of a stream its own time or start time.
 */
import fc from 'fast-check';
import {
  double,
  increasing,
  int64,
  list,
  merged,
  message,
  messageWith,
  mostly,
  NOW_UNIX_MS,
  type OtlpMessage,
  type OtlpValue,
  some,
  text,
  uint64,
} from './otlp-arbitrary.js';

const NOW_NANO = BigInt(NOW_UNIX_MS) * 1_000_000n;
const NO_RECORDED_VALUE = 1;

const anyValue: fc.Arbitrary<OtlpMessage> = fc.letrec<{ anyValue: OtlpMessage }>((tie) => ({
  anyValue: fc.oneof(
    { depthSize: 'small', withCrossShrink: true, maxDepth: 5 },
    { arbitrary: fc.record({ stringValue: text }) as fc.Arbitrary<OtlpMessage>, weight: 4 },
    fc.record({ boolValue: fc.boolean() }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ intValue: int64 }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ doubleValue: double }) as fc.Arbitrary<OtlpMessage>,
    fc.record({ bytesValue: fc.uint8Array({ maxLength: 6 }) }) as fc.Arbitrary<OtlpMessage>,
    fc.constant({}),
    fc.record({ arrayValue: message({ values: list(tie('anyValue'), 3) }) }) as fc.Arbitrary<OtlpMessage>,
    fc.record({
      kvlistValue: message({ values: list(message({ key: text, value: tie('anyValue') }), 3) }),
    }) as fc.Arbitrary<OtlpMessage>,
  ),
})).anyValue;

const key = mostly(fc.constantFrom('a', 'b', 'http.route', 'service.name', 'service.component'), text);
const attributes = fc.uniqueArray(message({ key, value: anyValue }), {
  maxLength: 4,
  selector: (attribute) => attribute.key ?? '',
});

const time = fc.oneof(
  fc.bigInt({ min: NOW_NANO - 3_000_000_000_000n, max: NOW_NANO + 3_000_000_000_000n }),
  fc.constantFrom(NOW_NANO, NOW_NANO - 1n),
);
const startTime = fc.oneof(fc.constantFrom(0n, 1n, NOW_NANO), time);
const flags = mostly(fc.constant(0), fc.constantFrom(NO_RECORDED_VALUE, 3), fc.constantFrom(2, 2 ** 32 - 2));
const idOf = (length: number) =>
  fc.oneof(fc.uint8Array({ minLength: length, maxLength: length }).filter((id) => id.some((b) => b !== 0)));
const value = fc.oneof(
  fc.record({ asInt: int64 }),
  fc.record({ asDouble: double }),
) as fc.Arbitrary<OtlpMessage>;

const exemplar = merged(
  mostly(value, fc.constant({})),
  message({
    filteredAttributes: attributes,
    timeUnixNano: mostly(time, fc.constantFrom(0n, 2n ** 63n, 2n ** 64n - 1n)),
    spanId: idOf(8),
    traceId: idOf(16),
  }),
);
const exemplars = mostly(fc.constant([] as OtlpMessage[]), list(exemplar, 3), list(exemplar, 3));
/** A count that fits the buckets, where there are any: of others the count is not kept, or its sender hears of it. */
function withFittingCount(point: OtlpMessage): OtlpMessage {
  const {
    positive = {},
    negative = {},
    zeroCount = 0n,
    bucketCounts = [],
  } = point as Record<string, OtlpMessage>;
  const lists = [
    bucketCounts,
    positive.bucketCounts ?? [],
    negative.bucketCounts ?? [],
  ] as unknown as bigint[][];
  const counts = lists.flat();
  const sum = counts.reduce((a, b) => a + b, zeroCount as unknown as bigint);
  if (counts.length === 0 && sum === 0n) return point;
  return { ...point, count: sum > 2n ** 64n - 1n ? 2n ** 64n - 1n : sum };
}

/** A start after the point's own time is not kept. */
function withPossibleStart(point: OtlpMessage): OtlpMessage {
  const { startTimeUnixNano: start = 0n, timeUnixNano: time } = point;
  return (start as bigint) > (time as bigint) ? { ...point, startTimeUnixNano: time! } : point;
}

/** What a point has besides its value, of which nothing is kept where the flag says that there is none. */
const pointOf = (content: fc.Arbitrary<OtlpMessage>, more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc
    .tuple(
      messageWith(['timeUnixNano'], {
        attributes,
        timeUnixNano: time,
        startTimeUnixNano: startTime,
        flags,
        ...more,
      }),
      content,
    )
    .map(([drawnBase, drawn]) => {
      const base = withPossibleStart(drawnBase);
      return Number(base.flags ?? 0) & NO_RECORDED_VALUE ? base : { ...drawn, ...base };
    });

const presence = message({ sum: double, min: double, max: double });
const histogramValue = merged(
  presence,
  message({ count: uint64 }),
  mostly(
    increasing.chain((explicitBounds) =>
      fc
        .array(uint64, { minLength: explicitBounds.length + 1, maxLength: explicitBounds.length + 1 })
        .map((bucketCounts): OtlpMessage => ({ explicitBounds, bucketCounts })),
    ),
    fc.constant({}),
  ),
);

/** Buckets inside the range of doubles; without counts the offset may be anything. */
const bucketsOf = (scale: number) => {
  const length = scale < -5 ? 1 : 5;
  const reach = Math.min(Math.floor(1000 * 2 ** scale), 2 ** 31 - 10);
  return fc.oneof(
    message({
      offset: fc.integer({ min: -reach, max: Math.max(0, reach - length) }),
      bucketCounts: list(uint64, length),
    }),
    message({ offset: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) }),
  );
};
const exponentialValue = merged(
  presence,
  message({ count: uint64, zeroCount: uint64, zeroThreshold: double }),
  fc
    .integer({ min: -10, max: 20 })
    .chain((scale) =>
      message({ scale: fc.constant(scale), positive: bucketsOf(scale), negative: bucketsOf(scale) }).map(
        (drawn) => (drawn.positive || drawn.negative ? { ...drawn, scale } : drawn),
      ),
    ),
);

const summaryValue = message({
  count: uint64,
  sum: double,
  quantileValues: fc
    .uniqueArray(fc.integer({ min: 0, max: 20 }), { maxLength: 4 })
    .map((quantiles) => quantiles.sort((a, b) => a - b))
    .chain((quantiles) =>
      fc.tuple(
        ...quantiles.map((q) => message({ value: double }).map((drawn) => ({ ...drawn, quantile: q / 20 }))),
      ),
    ),
});

const dataOf = (point: fc.Arbitrary<OtlpMessage>, header: Record<string, fc.Arbitrary<unknown>> = {}) =>
  messageWith(['dataPoints', ...Object.keys(header)], { ...header, dataPoints: some(point, 4) });
const aggregationTemporality = fc.constantFrom(1, 2);
const data = fc.oneof(
  fc.record({ gauge: dataOf(pointOf(value, { exemplars })) }),
  fc.record({
    sum: dataOf(pointOf(value, { exemplars }), { aggregationTemporality, isMonotonic: fc.boolean() }),
  }),
  fc.record({
    histogram: dataOf(pointOf(histogramValue.map(withFittingCount), { exemplars }), {
      aggregationTemporality,
    }),
  }),
  fc.record({
    exponentialHistogram: dataOf(pointOf(exponentialValue.map(withFittingCount), { exemplars }), {
      aggregationTemporality,
    }),
  }),
  fc.record({ summary: dataOf(pointOf(summaryValue)) }),
) as fc.Arbitrary<OtlpMessage>;
const metric = merged(
  message({ description: text, unit: text, metadata: attributes }),
  fc.record({
    name: mostly(
      fc.constantFrom('a', 'b'),
      text.filter((name) => name !== ''),
    ),
  }) as fc.Arbitrary<OtlpMessage>,
  data,
);

const url = mostly(fc.constantFrom('', 'https://opentelemetry.io/schemas/1.30.0'), text);
const droppedAttributesCount = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 2 ** 32 - 1 }));
const scopeMetrics = messageWith(['metrics'], {
  scope: message({ name: text, version: text, attributes, droppedAttributesCount }),
  metrics: some(metric, 4),
  schemaUrl: url,
});
const entityRef = message({
  schemaUrl: url,
  type: text,
  idKeys: list(text, 2),
  descriptionKeys: list(text, 2),
});
const resourceMetrics = messageWith(['scopeMetrics'], {
  resource: message({ attributes, droppedAttributesCount, entityRefs: list(entityRef, 2) }),
  scopeMetrics: some(scopeMetrics, 2),
  schemaUrl: url,
});

/** Requests whose resources all have the int attribute `case`, by which a test finds its own. */
export function validRequest(caseNumber: number): fc.Arbitrary<OtlpMessage> {
  return fc
    .record({ resourceMetrics: fc.array(resourceMetrics, { minLength: 1, maxLength: 2 }) })
    .map((request) => distinct(request as OtlpMessage, caseNumber));
}

/** Numbers resources, scopes and metrics, so that none is described twice; drops points that are one and the same. */
function distinct(request: OtlpMessage, caseNumber: number): OtlpMessage {
  each(request, 'resourceMetrics', (resourceMetrics, i) => {
    const resource = (resourceMetrics.resource ?? {}) as OtlpMessage;
    const own = ((resource.attributes ?? []) as OtlpMessage[]).filter(
      (a) => a.key !== 'case' && a.key !== 'part',
    );
    const added = [{ key: 'case', value: { intValue: BigInt(caseNumber) } }];
    if (i > 0) added.push({ key: 'part', value: { intValue: BigInt(i) } });
    resourceMetrics.resource = { ...resource, attributes: [...own, ...added] };
    each(resourceMetrics, 'scopeMetrics', (scopeMetrics, j) => {
      if (j > 0) scopeMetrics.scope = { ...(scopeMetrics.scope as OtlpMessage), version: `part ${j}` };
      each(scopeMetrics, 'metrics', (metric, k) => {
        if (k > 0) metric.name = `${metric.name as string}.${k}`;
        for (const holder of Object.values(metric)) dropRepeated(holder as OtlpMessage);
      });
    });
  });
  return request;
}

/** Of points with equal time and start time only the first: their attributes may mean the same stream. */
function dropRepeated(data: OtlpMessage): void {
  if (data === null || typeof data !== 'object' || !Array.isArray(data.dataPoints)) return;
  const known = new Set<string>();
  data.dataPoints = (data.dataPoints as OtlpMessage[]).filter((point) => {
    const identity = `${point.timeUnixNano} ${point.startTimeUnixNano ?? 0n}`;
    if (known.has(identity)) return false;
    known.add(identity);
    return true;
  });
}

function each(message: OtlpMessage, field: string, visit: (item: OtlpMessage, index: number) => void): void {
  ((message[field] ?? []) as OtlpValue[]).forEach((item, index) => {
    visit(item as OtlpMessage, index);
  });
}
