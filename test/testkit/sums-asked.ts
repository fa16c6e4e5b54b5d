/**
 * Sums sent over a socket, and what number_increase says of them: raw and rolled up, which must be the same. Times are
 * seconds after HOUR_S, a whole hour some hours before the clock of the pipeline.
 */
import { expect } from 'vitest';
import { NOW_UNIX_MS, type OtlpMessage } from './otlp-arbitrary.js';
import type { RunningPipeline } from './running-pipeline.js';

export const HOUR_S = Math.floor(NOW_UNIX_MS / 3_600_000) * 3_600 - 5 * 3_600;

export const nanos = (s: number) => BigInt(Math.round((HOUR_S + s) * 1000)) * 1_000_000n;

export interface Sent {
  start?: number | undefined;
  at: number;
  value?: number | bigint;
  flags?: number;
  attributes?: OtlpMessage[];
}

export function sumOf(
  name: string,
  temporality: 'delta' | 'cumulative',
  points: readonly Sent[],
  isMonotonic = true,
): OtlpMessage {
  const dataPoints = points.map(({ start, at, value, flags, attributes }) => ({
    ...(start !== undefined && { startTimeUnixNano: nanos(start) }),
    timeUnixNano: nanos(at),
    ...(value !== undefined && (typeof value === 'bigint' ? { asInt: value } : { asDouble: value })),
    ...(flags !== undefined && { flags }),
    ...(attributes !== undefined && { attributes }),
  }));
  return { name, sum: { aggregationTemporality: temporality === 'delta' ? 1 : 2, isMonotonic, dataPoints } };
}

/** Increases by step, as [seconds, increase] of all series together; steps without any are left out. */
export async function askIncreases(
  receiver: RunningPipeline,
  metric: string,
  fromS: number,
  toS: number,
  stepS: number,
): Promise<[number, number][]> {
  const text = `SELECT toUnixTimestamp(time) - ${HOUR_S} AS at, sum(increase) AS increase
    FROM number_increase(metric = '${metric}', start_time = fromUnixTimestamp(${HOUR_S + fromS}),
      end_time = fromUnixTimestamp(${HOUR_S + toS}), step_s = ${stepS})
    GROUP BY time HAVING increase != 0 ORDER BY time`;
  const raw = await receiver.stored<{ at: number; increase: number }>(text);
  const rolled = await receiver.sql<{ at: number; increase: number }>(text);
  expect(rolled).toEqual(raw);
  return rolled.map((row) => [Number(row.at), Number(row.increase)]);
}
