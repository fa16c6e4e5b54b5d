/**
 * One request with a metric of every shape, with what tables hold besides numbers: attributes of every type, exemplars with
 * and without trace, unset sums, missing values, resets. Two hours of points, some of them on the same minute.
 */
import { NOW_UNIX_MS, type OtlpMessage } from './otlp-arbitrary.js';
import { stringAttribute } from './otlp-message.js';

/** 2023-11-14 22:13:20 UTC. */
export const NOW_S = NOW_UNIX_MS / 1000;
const nanos = (agoS: number) => BigInt(NOW_S - agoS) * 1_000_000_000n;
const START = nanos(10_000);

/** What `response_time` of this request says of the last hour, in seconds. */
export const SLOW_REQUESTS = { count: 40, mean: 3 };

const EVERY_TYPE: OtlpMessage[] = [
  stringAttribute('http.route', '/orders'),
  { key: 'is_new', value: { boolValue: true } },
  { key: 'shard', value: { intValue: 9_007_199_254_740_993n } },
  { key: 'share', value: { doubleValue: 0.25 } },
  { key: 'tags', value: { arrayValue: { values: [{ stringValue: 'a' }, { intValue: 1n }] } } },
  { key: 'naïve ☃', value: { stringValue: 'it\'s\ta "quote"\n' } },
];

const exemplar = (agoS: number, asDouble: number, fields: OtlpMessage = {}): OtlpMessage => ({
  timeUnixNano: nanos(agoS) + 123_456_789n,
  asDouble,
  ...fields,
});
const TRACED = {
  traceId: Buffer.from('0123456789abcdef'),
  spanId: Buffer.from('01234567'),
  filteredAttributes: [stringAttribute('user', 'ada'), { key: 'tries', value: { intValue: 3n } }],
};

const METRICS: OtlpMessage[] = [
  {
    name: 'queue_depth',
    unit: '{item}',
    description: 'What waits',
    metadata: [stringAttribute('owner', 'orders')],
    gauge: {
      dataPoints: [
        { timeUnixNano: nanos(6_000), asInt: -9_223_372_036_854_775_808n },
        { timeUnixNano: nanos(600), asInt: 9_223_372_036_854_775_807n, attributes: EVERY_TYPE },
        { timeUnixNano: nanos(30), asDouble: 0.1, attributes: EVERY_TYPE },
        { timeUnixNano: nanos(20), flags: 1, attributes: EVERY_TYPE },
      ],
    },
  },
  {
    name: 'orders',
    unit: '{order}',
    sum: {
      aggregationTemporality: 2,
      isMonotonic: true,
      dataPoints: [
        { startTimeUnixNano: START, timeUnixNano: nanos(7_000), asInt: 5n },
        {
          startTimeUnixNano: START,
          timeUnixNano: nanos(3_000),
          asInt: 12n,
          exemplars: [exemplar(3_001, 1, TRACED), exemplar(3_002, 1)],
        },
        // A new start, then a drop without one.
        { startTimeUnixNano: nanos(2_000), timeUnixNano: nanos(1_000), asInt: 4n },
        { startTimeUnixNano: nanos(2_000), timeUnixNano: nanos(400), asInt: 1n },
      ],
    },
  },
  {
    name: 'stock',
    sum: {
      aggregationTemporality: 1,
      dataPoints: [
        { startTimeUnixNano: nanos(500), timeUnixNano: nanos(440), asDouble: -2.5 },
        { startTimeUnixNano: nanos(440), timeUnixNano: nanos(380), asDouble: 4 },
      ],
    },
  },
  {
    name: 'response_time',
    unit: 'ms',
    histogram: {
      aggregationTemporality: 1,
      dataPoints: [
        {
          startTimeUnixNano: nanos(700),
          timeUnixNano: nanos(640),
          count: BigInt(SLOW_REQUESTS.count),
          sum: SLOW_REQUESTS.count * SLOW_REQUESTS.mean * 1000,
          min: 100,
          max: 9_000,
          explicitBounds: [500, 2_000],
          bucketCounts: [10n, 10n, 20n],
          attributes: EVERY_TYPE,
          exemplars: [exemplar(650, 9_000, TRACED)],
        },
      ],
    },
  },
  {
    name: 'batch_size',
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          startTimeUnixNano: START,
          timeUnixNano: nanos(900),
          count: 3n,
          explicitBounds: [1],
          bucketCounts: [1n, 2n],
        },
        {
          startTimeUnixNano: START,
          timeUnixNano: nanos(300),
          count: 9n,
          explicitBounds: [1],
          bucketCounts: [2n, 7n],
        },
      ],
    },
  },
  {
    name: 'latency',
    unit: 's',
    exponentialHistogram: {
      aggregationTemporality: 2,
      dataPoints: [900, 300].map((agoS, i) => ({
        startTimeUnixNano: START,
        timeUnixNano: nanos(agoS),
        count: BigInt(6 + i),
        sum: 9 + i,
        scale: 2,
        zeroCount: 1n,
        zeroThreshold: 0.001,
        positive: { offset: -3, bucketCounts: [1n, 0n, BigInt(3 + i)] },
        negative: { offset: 1, bucketCounts: [1n] },
      })),
    },
  },
  {
    name: 'gc_pause',
    unit: 's',
    summary: {
      dataPoints: [900, 300].map((agoS, i) => ({
        startTimeUnixNano: START,
        timeUnixNano: nanos(agoS),
        count: BigInt(4 + i),
        sum: 0.5 + i,
        quantileValues: [
          { quantile: 0.5, value: 0.1 },
          { quantile: 0.99, value: 0.4 + i },
        ],
      })),
    },
  },
];

export const EVERY_SHAPE: OtlpMessage = {
  resourceMetrics: [
    {
      resource: {
        attributes: [
          stringAttribute('service.name', 'shop'),
          stringAttribute('deployment.environment.name', 'production'),
        ],
      },
      scopeMetrics: [
        {
          scope: { name: 'orders', version: '1.2.3', attributes: [stringAttribute('team', 'blue')] },
          metrics: METRICS,
        },
      ],
    },
  ],
};
