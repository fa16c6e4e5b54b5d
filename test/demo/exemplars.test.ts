/** Exemplars put into requests: read with protobufjs, everything else in them stays what it was. */
import { describe, expect, it } from 'vitest';
import { addExemplars } from '../../src/demo/exemplars.js';
import { createRandom } from '../../src/demo/random.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';

interface Exemplar {
  timeUnixNano: string;
  asDouble: number;
  traceId: string;
  spanId: string;
}
interface Point {
  timeUnixNano: string;
  exemplars?: Exemplar[];
}
interface Metric {
  name: string;
  gauge?: { dataPoints: Point[] };
  histogram?: { dataPoints: Point[] };
  exponentialHistogram?: { dataPoints: Point[] };
}
interface Request {
  resourceMetrics: { scopeMetrics: { metrics: Metric[] }[] }[];
}

const point = { startTimeUnixNano: '1000', timeUnixNano: '1700000000000000001' };
const counted = { ...point, count: '4', sum: 8, min: 1.5, max: 2.5 };
const request: Request = {
  resourceMetrics: [
    {
      scopeMetrics: [
        {
          metrics: [
            { name: 'gauge', gauge: { dataPoints: [{ ...point, asDouble: 1 } as Point] } },
            {
              name: 'histogram',
              histogram: {
                dataPoints: [
                  { ...counted, bucketCounts: ['1', '3'], explicitBounds: [2] } as Point,
                  { ...point, count: '0', bucketCounts: ['0', '0'], explicitBounds: [2] } as Point,
                ],
              },
            },
            {
              name: 'x'.repeat(300),
              exponentialHistogram: {
                dataPoints: [{ ...counted, scale: 3, positive: { offset: 2, bucketCounts: ['4'] } } as Point],
              },
            },
          ],
        },
      ],
    },
  ],
};

const encode = (message: Request) =>
  EXPORT_REQUEST_TYPE.encode(EXPORT_REQUEST_TYPE.fromObject(message)).finish();
const decode = (bytes: Uint8Array) =>
  EXPORT_REQUEST_TYPE.toObject(EXPORT_REQUEST_TYPE.decode(bytes), {
    longs: String,
    bytes: String,
  }) as Request;

function takeExemplars(message: Request): Exemplar[][] {
  return message.resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ gauge, histogram, exponentialHistogram }) =>
        (gauge ?? histogram ?? exponentialHistogram)!.dataPoints.map((one) => {
          const { exemplars = [] } = one;
          delete one.exemplars;
          return exemplars;
        }),
      ),
    ),
  );
}

describe('exemplars', () => {
  it('are in the points of histograms that counted something, and nothing else is changed', () => {
    const before = decode(encode(request));
    const after = decode(addExemplars(encode(request), createRandom(1), 1));
    const [ofGauge, first, empty, exponential, ...others] = takeExemplars(after);
    expect(others).toEqual([]);
    expect([ofGauge, empty]).toEqual([[], []]);
    for (const [exemplar, ...more] of [first!, exponential!]) {
      expect(more).toEqual([]);
      expect(exemplar!.timeUnixNano).toBe(point.timeUnixNano);
      expect(exemplar!.asDouble).toBeGreaterThanOrEqual(1.5);
      expect(exemplar!.asDouble).toBeLessThanOrEqual(2.5);
      expect(Buffer.from(exemplar!.traceId, 'base64')).toHaveLength(16);
      expect(Buffer.from(exemplar!.spanId, 'base64')).toHaveLength(8);
    }
    expect(after).toEqual(before);
  });

  it('leave a request as it is where none is drawn', () => {
    expect(Buffer.from(addExemplars(encode(request), createRandom(1), 0))).toEqual(
      Buffer.from(encode(request)),
    );
  });
});
