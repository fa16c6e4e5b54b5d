/**
 * Exemplars that a cumulative exporter repeats with every export: one row each, owned by the first point that carried it,
 * whatever the order of arrival and whatever the receiver remembers.
 */
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { readCase, readCasePoints } from '../testkit/case-file.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { histogram, NOW_UNIX_NANO, request, stringAttribute } from '../testkit/otlp-message.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { line } from './line.js';

const SECOND = 1_000_000_000n;
const DAY = 86_400n * SECOND;

let receiver: RunningPipeline;
beforeAll(async () => {
  receiver = await startPipeline(() => NOW_UNIX_MS, { PLUMBLINE_ROLLUP_DELAY_MS: '600000' });
});
afterAll(() => receiver.stop());

const OF_METRIC = (name: string) =>
  `series_id IN (SELECT series_id FROM series WHERE metric_name = '${name}')`;

/** How many rows are on disk, and the exemplars as readers find them, with the seconds from their point to now. */
async function readExemplars(name: string) {
  const [onDisk] = await receiver.stored<{ rows: number }>(
    `SELECT toUInt32(count()) AS rows FROM exemplars WHERE ${OF_METRIC(name)}`,
  );
  const found = await receiver.stored(
    `SELECT value, ${NOW_UNIX_MS / 1000} - toInt64(toUnixTimestamp(point_time)) AS age_s
     FROM exemplars FINAL WHERE ${OF_METRIC(name)} ORDER BY time, value`,
  );
  return { onDisk: onDisk!.rows, found };
}

/** Exemplars of the view whose measurement lies between these seconds before now. */
async function askView(name: string, fromAgeS: number, toAgeS: number) {
  const at = (ageS: number) => `fromUnixTimestamp64Milli(${NOW_UNIX_MS - ageS * 1000}, 'UTC')`;
  return receiver.stored(
    `SELECT value, trace_id FROM metric_exemplars(metric = '${name}', start_time = ${at(fromAgeS)}, end_time = ${at(toAgeS)})
     ORDER BY time, value`,
  );
}

/** A point of a cumulative histogram with these exemplars, `ageS` seconds old. */
async function sendPoint(name: string, ageS: bigint, ...exemplars: OtlpMessage[]): Promise<void> {
  const point = { timeUnixNano: NOW_UNIX_NANO - ageS * SECOND, startTimeUnixNano: NOW_UNIX_NANO - 90n * DAY };
  await receiver.send(request({ ...histogram({ ...point, count: 1n, sum: 0.7, exemplars }), name }));
}

const exemplar = (ageS: bigint, asDouble: number, fields: OtlpMessage = {}): OtlpMessage => ({
  timeUnixNano: NOW_UNIX_NANO - ageS * SECOND,
  asDouble,
  traceId: Buffer.alloc(16, 7),
  spanId: Buffer.alloc(8, 7),
  ...fields,
});

describe('exemplars that are repeated', () => {
  line('kept.repeated-exemplars', 'by five points of one request', async () => {
    expect((await receiver.post(readCase('exemplar-repeated', NOW_UNIX_MS), 'json')).status).toBe(200);
    expect(await readExemplars('case.duration')).toEqual({ onDisk: 1, found: [{ value: 0.7, age_s: 50 }] });
    expect(await askView('case.duration', 60, 0)).toEqual([
      { value: 0.7, trace_id: '0af7651916cd43dd8448eb211c80319c' },
    ]);
  });

  line('kept.repeated-exemplars', 'by points in requests of their own, in their order', async () => {
    const named = (text: string) => text.replace('case.duration', 'case.in.order');
    for (const body of readCasePoints('exemplar-repeated', NOW_UNIX_MS))
      expect((await receiver.post(named(body), 'json')).status).toBe(200);
    expect(await readExemplars('case.in.order')).toEqual({ onDisk: 1, found: [{ value: 0.7, age_s: 50 }] });
  });

  line('kept.repeated-exemplars', 'for days, the newest point first', async () => {
    for (const ageS of [10n, 20n, 3_700n, 90_000n, 40n * 86_400n, 50n])
      await sendPoint('newest.first', ageS, exemplar(41n * 86_400n, 0.7));
    expect((await readExemplars('newest.first')).found).toEqual([{ value: 0.7, age_s: 40 * 86_400 }]);
    expect(await askView('newest.first', 41 * 86_400, 41 * 86_400 - 1)).toHaveLength(1);
    expect(await askView('newest.first', 60, 0)).toEqual([]);
  });

  line('kept.repeated-exemplars', 'while new ones are added', async () => {
    await sendPoint('added', 30n, exemplar(35n, 1));
    await sendPoint('added', 20n, exemplar(35n, 1), exemplar(25n, 2));
    await sendPoint('added', 10n, exemplar(35n, 1), exemplar(25n, 2), exemplar(15n, 3));
    const found = [
      { value: 1, age_s: 30 },
      { value: 2, age_s: 20 },
      { value: 3, age_s: 10 },
    ];
    expect(await readExemplars('added')).toEqual({ onDisk: 3, found });
  });

  line('kept.repeated-exemplars', 'without a time of their own', async () => {
    await sendPoint('no.time', 20n, exemplar(0n, 0.7, { timeUnixNano: 0n }));
    await sendPoint('no.time', 30n, exemplar(0n, 0.7, { timeUnixNano: 0n }));
    expect((await readExemplars('no.time')).found).toEqual([{ value: 0.7, age_s: 30 }]);
    expect(await askView('no.time', 31, 29)).toHaveLength(1);
    expect(await askView('no.time', 25, 0)).toEqual([]);
  });

  line('kept.repeated-exemplars', 'apart from others that differ in one thing', async () => {
    const attributes = (text: string) => ({ filteredAttributes: [stringAttribute('user', text)] });
    const different = [
      exemplar(5n, 1),
      exemplar(6n, 1),
      exemplar(5n, 2),
      exemplar(5n, 0),
      exemplar(5n, -0),
      exemplar(5n, Number.NaN),
      exemplar(5n, 1, { asDouble: undefined as never, asInt: 1n }),
      exemplar(5n, 1, { traceId: Buffer.alloc(16, 8) }),
      exemplar(5n, 1, { spanId: Buffer.alloc(8, 8) }),
      exemplar(5n, 1, attributes('a')),
      exemplar(5n, 1, attributes('b')),
      exemplar(5n, 1, { filteredAttributes: [{ key: 'user', value: { bytesValue: Buffer.from('a') } }] }),
    ];
    await sendPoint('different', 4n, ...different, ...different);
    await sendPoint('different', 3n, ...different);
    const { onDisk, found } = await readExemplars('different');
    expect([onDisk, found.length]).toEqual([different.length, different.length]);
  });
});
