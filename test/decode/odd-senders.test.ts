/** What exporters in the wild send although the specification says otherwise: kept as far as it means anything, in both encodings. */
import { describe, expect, it } from 'vitest';
import { type Decoded, decode } from '../testkit/decode-fixture.js';
import type { OtlpMessage } from '../testkit/otlp-arbitrary.js';
import {
  exponentialHistogram,
  gauge,
  histogram,
  NOW_UNIX_NANO,
  numberPoint,
  request,
  stringAttribute,
  sum,
  summary,
  toJson,
  toProtobuf,
} from '../testkit/otlp-message.js';

/** The same from both encodings. */
function decodeBoth(...metrics: OtlpMessage[]): Decoded {
  const message = request(...metrics);
  const decoded = decode(toProtobuf(message), 'protobuf');
  expect(decode(toJson(message), 'json')).toEqual(decoded);
  return decoded;
}

const EIGHT_BYTES = new DataView(new ArrayBuffer(8));
function toDouble(bits: bigint | 'NaN'): number {
  if (bits === 'NaN') return Number.NaN;
  EIGHT_BYTES.setBigUint64(0, bits);
  return EIGHT_BYTES.getFloat64(0);
}

describe('infinite bounds', () => {
  const { POSITIVE_INFINITY: plus, NEGATIVE_INFINITY: minus } = Number;

  /** Bounds and counts as stored, beside a histogram that was not touched; or the reason of a rejection. */
  function stored(explicitBounds: number[], counts: number[]): [number[], number[]] | string {
    const beside = { bucketCounts: [7n, 8n], explicitBounds: [1], count: 15n };
    const { rows, rejections, flagged } = decodeBoth(
      histogram({ ...beside, timeUnixNano: NOW_UNIX_NANO - 2n }),
      histogram({
        explicitBounds,
        bucketCounts: counts.map(BigInt),
        count: BigInt(counts.reduce((a, b) => a + b, 0)),
      }),
      histogram({ ...beside, timeUnixNano: NOW_UNIX_NANO - 1n }),
    );
    expect(flagged).toBeUndefined();
    const histograms = rows.histograms.map((row): [number[], number[]] => [
      row.explicitBounds.map(toDouble),
      row.bucketCounts.map(Number),
    ]);
    expect([histograms[0], histograms.at(-1)]).toEqual(Array(2).fill([[1], [7, 8]]));
    return rejections[0]?.reason ?? histograms[1]!;
  }

  it('a last bound of +Inf is dropped where there are as many counts as bounds', () => {
    expect(stored([0.1, 0.5, plus], [1, 2, 3])).toEqual([
      [0.1, 0.5],
      [1, 2, 3],
    ]);
    expect(stored([plus], [4])).toEqual([[], [4]]);
  });

  it('a last bound of +Inf is dropped with the count above it, which is added to the one below', () => {
    expect(stored([0.1, 0.5, plus], [1, 2, 3, 0])).toEqual([
      [0.1, 0.5],
      [1, 2, 3],
    ]);
    expect(stored([0.1, 0.5, plus], [1, 2, 3, 4])).toEqual([
      [0.1, 0.5],
      [1, 2, 7],
    ]);
    expect(stored([plus], [1, 2])).toEqual([[], [3]]);
  });

  it('a first bound of −Inf is dropped with the count below it, which is added to the one above', () => {
    expect(stored([minus, 0.1, 0.5], [0, 1, 2, 3])).toEqual([
      [0.1, 0.5],
      [1, 2, 3],
    ]);
    expect(stored([minus, 0.1], [5, 1, 2])).toEqual([[0.1], [6, 2]]);
    expect(stored([minus], [1, 2])).toEqual([[], [3]]);
  });

  it('both are dropped where both are there', () => {
    expect(stored([minus, 0, plus], [1, 2, 3, 4])).toEqual([[0], [3, 7]]);
    expect(stored([minus, 0, plus], [1, 2, 3])).toEqual([[0], [3, 3]]);
    expect(stored([minus, plus], [1, 2, 3])).toEqual([[], [6]]);
  });

  it('an infinity in another place or twice makes bounds that do not increase', () => {
    for (const bounds of [
      [plus, plus],
      [minus, minus],
      [plus, 1],
      [1, minus],
      [minus, minus, plus],
      [plus, minus],
    ]) {
      expect(stored(bounds, [1, ...bounds.map(() => 1)])).toBe('bounds_not_increasing');
    }
  });

  it('counts that fit the bounds in no way are a mismatch as ever', () => {
    expect(stored([1, plus], [1])).toBe('bucket_counts_mismatch');
    expect(stored([1, plus], [1, 1, 1, 1])).toBe('bucket_counts_mismatch');
    expect(stored([minus, 1], [1, 1])).toBe('bucket_counts_mismatch');
    expect(stored([plus], [])).toBe('bucket_counts_mismatch');
  });

  it('counts beyond 64 bits stay the largest number', () => {
    const [row] = decodeBoth(
      histogram({
        explicitBounds: [1, plus],
        bucketCounts: [1n, 2n ** 64n - 1n, 2n ** 63n],
        count: 2n ** 64n - 1n,
      }),
    ).rows.histograms;
    expect(row).toMatchObject({ bucketCounts: [1n, 2n ** 64n - 1n], count: 2n ** 64n - 1n });
    const [carried] = decodeBoth(
      histogram({ explicitBounds: [plus], bucketCounts: [2n ** 32n - 1n, 1n], count: 2n ** 32n }),
    ).rows.histograms;
    expect(carried).toMatchObject({ bucketCounts: [2n ** 32n] });
  });
});

describe('a start time that cannot be', () => {
  const impossible = [11651379494838206464n, 2n ** 64n - 1n, NOW_UNIX_NANO + 1n, NOW_UNIX_NANO + 2n ** 32n];
  const exemplars = [{ asInt: 1n, timeUnixNano: NOW_UNIX_NANO }];

  it('means nothing for a gauge: the point is kept with start time 0, and nothing is wrong with it', () => {
    for (const startTimeUnixNano of impossible) {
      const decoded = decodeBoth(gauge(numberPoint({ startTimeUnixNano, exemplars })));
      expect(decoded).toMatchObject({ accepted: 1, rejections: [] });
      expect(decoded.flagged).toBeUndefined();
      expect(decoded.rows.numbers[0]!.startTime).toBe(0n);
      expect(decoded.rows.exemplars).toHaveLength(1);
    }
  });

  it('is unknown for all others, which is 0, and flagged with the name of the metric', () => {
    for (const startTimeUnixNano of impossible) {
      const decoded = decodeBoth(
        sum(numberPoint({ startTimeUnixNano, exemplars })),
        histogram({ startTimeUnixNano, exemplars, count: 1n }),
        exponentialHistogram({ startTimeUnixNano, exemplars }),
        { ...summary({ startTimeUnixNano }), name: 'b' },
      );
      const { rows } = decoded;
      expect(decoded).toMatchObject({ accepted: 4, rejections: [] });
      expect(decoded.flagged).toEqual([
        { reason: 'start_after_time', metricName: 'a', count: 3 },
        { reason: 'start_after_time', metricName: 'b', count: 1 },
      ]);
      const points = [rows.numbers, rows.histograms, rows.exponentialHistograms, rows.summaries].flat();
      expect(points.map(({ startTime }) => startTime)).toEqual([0n, 0n, 0n, 0n]);
      expect(rows.exemplars).toHaveLength(3);
    }
  });

  it('is none that is before the point or equal to its time', () => {
    for (const startTimeUnixNano of [1n, NOW_UNIX_NANO - 1n, NOW_UNIX_NANO]) {
      const decoded = decodeBoth(
        sum(numberPoint({ startTimeUnixNano })),
        gauge(numberPoint({ startTimeUnixNano })),
      );
      expect(decoded.flagged).toBeUndefined();
      expect(decoded.rows.numbers.map(({ startTime }) => startTime)).toEqual([
        startTimeUnixNano,
        startTimeUnixNano,
      ]);
    }
  });

  it('is not flagged where the point is rejected', () => {
    const startTimeUnixNano = 2n ** 63n;
    const decoded = decodeBoth(
      sum(
        numberPoint({ startTimeUnixNano, timeUnixNano: 0n }),
        numberPoint({ startTimeUnixNano }),
        numberPoint({ startTimeUnixNano, asInt: 2n }),
      ),
    );
    expect(decoded.rejections.map(({ reason, count }) => [reason, count])).toEqual([
      ['time_zero', 1],
      ['conflicting_point', 1],
    ]);
    expect(decoded.flagged).toEqual([{ reason: 'start_after_time', metricName: 'a', count: 1 }]);
  });
});

describe('count and buckets', () => {
  const counted = (metric: OtlpMessage) => {
    const { rows, flagged = [], rejections } = decodeBoth(metric);
    expect(rejections).toEqual([]);
    const [row] = [...rows.histograms, ...rows.exponentialHistograms];
    return [row!.count, flagged.map(({ reason, metricName, count }) => [reason, metricName, count])];
  };
  const below = [['count_below_buckets', 'a', 1]];
  const above = [['count_above_buckets', 'a', 1]];

  it('a count that is missing or below the sum of the buckets is taken from them, and flagged', () => {
    const buckets = { bucketCounts: [5n, 5n, 5n], explicitBounds: [1, 2] };
    expect(counted(histogram(buckets))).toEqual([15n, below]);
    expect(counted(histogram({ ...buckets, count: 14n }))).toEqual([15n, below]);
    expect(counted(histogram({ ...buckets, count: 15n }))).toEqual([15n, []]);
    const exponential = { zeroCount: 2n, positive: { bucketCounts: [3n] }, negative: { bucketCounts: [4n] } };
    expect(counted(exponentialHistogram(exponential))).toEqual([9n, below]);
    expect(counted(exponentialHistogram({ ...exponential, count: 8n }))).toEqual([9n, below]);
    expect(counted(exponentialHistogram({ ...exponential, count: 9n }))).toEqual([9n, []]);
    expect(counted(exponentialHistogram({ zeroCount: 2n }))).toEqual([2n, below]);
  });

  it('a count above the sum of the buckets is kept, and flagged', () => {
    expect(counted(histogram({ bucketCounts: [5n, 5n], explicitBounds: [1], count: 11n }))).toEqual([
      11n,
      above,
    ]);
    expect(counted(histogram({ bucketCounts: [0n], count: 1n }))).toEqual([1n, above]);
    const exponential = { positive: { bucketCounts: [3n, 4n] }, negative: { bucketCounts: [1n, 1n] } };
    expect(counted(exponentialHistogram({ ...exponential, count: 10n }))).toEqual([10n, above]);
  });

  it('without any buckets there is nothing to compare', () => {
    expect(counted(histogram({ count: 3n, sum: 1 }))).toEqual([3n, []]);
    expect(counted(exponentialHistogram({ count: 3n, sum: 1 }))).toEqual([3n, []]);
  });

  it('words of 64 bits are carried, and a sum beyond them is the largest number', () => {
    const half = 2n ** 63n;
    expect(counted(histogram({ bucketCounts: [2n ** 32n - 1n, 1n], explicitBounds: [1] }))).toEqual([
      2n ** 32n,
      below,
    ]);
    expect(counted(histogram({ bucketCounts: [half, half], explicitBounds: [1], count: half }))).toEqual([
      2n ** 64n - 1n,
      below,
    ]);
    const count = 2n ** 64n - 1n;
    expect(counted(histogram({ bucketCounts: [half, half], explicitBounds: [1], count }))).toEqual([
      count,
      [],
    ]);
  });

  it('a point without a recorded value has neither', () => {
    expect(counted(histogram({ flags: 1, bucketCounts: [5n] }))).toEqual([0n, []]);
    expect(counted(exponentialHistogram({ flags: 1, zeroCount: 5n }))).toEqual([0n, []]);
  });
});

describe('two writers of one series', () => {
  const at = NOW_UNIX_NANO;
  const points = (metric: (fields: OtlpMessage) => OtlpMessage, list: OtlpMessage[]) =>
    decodeBoth(...list.map((fields) => metric(fields)));
  const conflicts = ({ rejections }: Decoded) => rejections.map(({ reason, count }) => [reason, count]);

  it('the first point of a series, start and time is kept, others with another value are rejected', () => {
    const start = { startTimeUnixNano: at - 10n };
    const decoded = decodeBoth(
      sum(
        ...[10n, 11n, 12n].map((asInt) => numberPoint({ ...start, asInt })),
        numberPoint({ ...start, asDouble: 10 }),
      ),
    );
    expect(decoded.accepted).toBe(1);
    expect(conflicts(decoded)).toEqual([['conflicting_point', 3]]);
    expect(decoded.rows.numbers.map(({ valueInt }) => valueInt)).toEqual([10n]);
  });

  it('what differs in time, start, attributes or metric is no conflict, and a repeat is none', () => {
    const same = numberPoint({ startTimeUnixNano: at - 10n, asInt: 1n });
    const others = [
      { ...same, asInt: 2n, timeUnixNano: at - 1n },
      { ...same, asInt: 2n, timeUnixNano: at - 2n ** 32n },
      { ...same, asInt: 2n, startTimeUnixNano: at - 11n },
      { ...same, asInt: 2n, startTimeUnixNano: at - 2n ** 40n },
      { ...same, asInt: 2n, attributes: [stringAttribute('client', 'a')] },
    ];
    const decoded = decodeBoth(sum(same, ...others, same, ...others), { ...sum(same), name: 'b' });
    expect(decoded).toMatchObject({ accepted: 13, rejections: [] });
  });

  it('a value and the end of its series at one time are two values', () => {
    expect(conflicts(decodeBoth(gauge(numberPoint(), numberPoint({ flags: 1 }))))).toEqual([
      ['conflicting_point', 1],
    ]);
  });

  it('histograms, exponential histograms and summaries are compared in every column and left whole', () => {
    const buckets = { count: 3n, sum: 1, min: 0, max: 2, bucketCounts: [1n, 2n], explicitBounds: [1] };
    const differing = [
      { ...buckets, sum: 2 },
      { ...buckets, min: 1 },
      { ...buckets, max: 3 },
      { ...buckets, bucketCounts: [2n, 1n] },
      { ...buckets, explicitBounds: [2] },
      { ...buckets, count: 3n, bucketCounts: [3n], explicitBounds: [] },
    ];
    const after = { ...buckets, timeUnixNano: at - 1n };
    const decoded = points(histogram, [buckets, ...differing, buckets, after]);
    expect(conflicts(decoded)).toEqual([['conflicting_point', differing.length]]);
    expect(decoded.rows.histograms).toEqual(points(histogram, [buckets, buckets, after]).rows.histograms);

    const exponential = {
      count: 6n,
      scale: 1,
      zeroCount: 1n,
      positive: { offset: 1, bucketCounts: [2n] },
      negative: { offset: 2, bucketCounts: [3n] },
    };
    const others = [
      { ...exponential, scale: 2 },
      { ...exponential, zeroCount: 0n, count: 6n },
      { ...exponential, zeroThreshold: 1 },
      { ...exponential, positive: { offset: 0, bucketCounts: [2n] } },
      { ...exponential, negative: { offset: 2, bucketCounts: [0n, 3n] } },
    ];
    const later = { ...exponential, timeUnixNano: at - 1n };
    const second = points(exponentialHistogram, [exponential, ...others, exponential, later]);
    expect(conflicts(second)).toEqual([['conflicting_point', others.length]]);
    expect(second.flagged).toBeUndefined();
    expect(second.rows.exponentialHistograms).toEqual(
      points(exponentialHistogram, [exponential, exponential, later]).rows.exponentialHistograms,
    );

    const quantiles = { count: 2n, sum: 3, quantileValues: [{ quantile: 0.5, value: 1 }] };
    const third = points(summary, [
      quantiles,
      { ...quantiles, sum: 4 },
      { ...quantiles, quantileValues: [{ quantile: 0.5, value: 2 }] },
      { ...quantiles, quantileValues: [] },
      { ...quantiles, timeUnixNano: at - 1n },
    ]);
    expect(conflicts(third)).toEqual([['conflicting_point', 3]]);
    expect(third.rows.summaries).toHaveLength(2);
    expect(third.rows.summaries[1]!.quantiles).toHaveLength(1);
  });

  it('the exemplars of a rejected point go with it', () => {
    const exemplars = [{ asInt: 1n }];
    const decoded = decodeBoth(gauge(numberPoint({ exemplars }), numberPoint({ asInt: 2n, exemplars })));
    expect(decoded.rows.exemplars).toHaveLength(1);
  });

  it('all conflicts among many points are found, wherever they stand', () => {
    const count = 3_000;
    const list = Array.from({ length: count }, (_, i) =>
      numberPoint({ asInt: BigInt(i), timeUnixNano: at - BigInt(i) * 1_000_000n }),
    );
    const again = list.filter((_, i) => i % 7 === 0).map((point) => ({ ...point, asInt: -1n }));
    const decoded = decodeBoth(gauge(...list, ...again, ...list));
    expect(decoded.accepted).toBe(2 * count);
    expect(conflicts(decoded)).toEqual([['conflicting_point', again.length]]);
  });
});
