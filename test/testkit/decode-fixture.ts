/** Decoders under test with a clock, limits and a series table of their own; what they leave, as comparable rows. */
import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import type { DecodeContext, DecodeLimits, DecodeResult } from '../../src/decode/decode-context.js';
import { decodeJson } from '../../src/decode/json-decoder.js';
import { decodeProtobuf } from '../../src/decode/protobuf-decoder.js';
import type { BudgetLimits } from '../../src/decode/series-budget.js';
import { SeriesTable } from '../../src/decode/series-table.js';
import type { Reported } from '../../src/model/export-outcome.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { type BatchRows, readBatchRows } from './batch-rows.js';
import { NOW_UNIX_MS, POINT_AGE_MAX_MS, POINT_FUTURE_MAX_MS } from './otlp-arbitrary.js';
import { classifyForTests } from './reference-series.js';

export const LIMITS: DecodeLimits = {
  attributeDepthMax: 16,
  attributesBytesMax: 16 * 1024 * 1024,
  pointFutureMaxMs: POINT_FUTURE_MAX_MS,
  pointAgeMaxMs: POINT_AGE_MAX_MS,
};

export function createSeriesTable(entriesMax = 4_000_000, budgets?: BudgetLimits): SeriesTable {
  const options = { classify: classifyForTests, seed: 12345, entriesMax };
  return new SeriesTable(budgets === undefined ? options : { ...options, budgets });
}

export interface Decoded extends Pick<DecodeResult, 'accepted'> {
  /** Only where there are some. */
  folded?: DecodeResult['folded'];
  rows: BatchRows<bigint>;
  rejections: { reason: string; metricName: string; count: number }[];
  /** Only where there are some. */
  flagged?: { reason: string; metricName: string; count: number }[];
}

export type Encoding = 'protobuf' | 'json';

/** Decodes into an empty batch; throws as the decoder does. */
export function decode(bytes: Uint8Array, encoding: Encoding, context: Partial<DecodeContext> = {}): Decoded {
  const batch = context.batch ?? new PointBatch();
  const decoder = encoding === 'protobuf' ? decodeProtobuf : decodeJson;
  const { accepted, rejections, flagged, folded } = decoder(bytes, {
    batch,
    series: context.series ?? createSeriesTable(),
    limits: context.limits ?? LIMITS,
    nowUnixMs: context.nowUnixMs ?? NOW_UNIX_MS,
  });
  return {
    accepted,
    ...(folded.length > 0 && { folded }),
    rows: readBatchRows(batch),
    rejections: rejections.map(withoutDetail),
    ...(flagged.length > 0 && { flagged: flagged.map(withoutDetail) }),
  };
}

function withoutDetail({ reason, metricName, count }: Reported<string>) {
  return { reason, metricName, count };
}

/** As toEqual, whose slow comparison is only made where there is a difference to show. */
export function expectSame(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toStrictEqual(expected);
}
