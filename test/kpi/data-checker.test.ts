/**
 * The check of stored points against the KPIs they feed: every point is counted once, valid or flagged, whatever comes late or
 * twice and however often the checker starts anew; and what is flagged is there to be looked at.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDataChecker, type DataChecker } from '../../src/kpi/data-checker.js';
import type { Kpi } from '../../src/model/kpi.js';
import { readQuery } from '../../src/store/sql-files.js';
import { NOW_UNIX_MS, type OtlpMessage } from '../testkit/otlp-arbitrary.js';
import { numberPoint } from '../testkit/otlp-message.js';
import { kpisOf, ofService, openStoredMetrics, type StoredMetrics } from '../testkit/stored-metrics.js';

const KPIS = kpisOf(`
- name: satisfaction
  unit: '{rating}'
  direction: higher_is_better
  valid: { min: 1, max: 5 }
  sources: [{ name: a, average: [rating, rating.histogram, rating.since_start] }]
- name: response_time
  unit: s
  valid: { min: 0, max: 60 }
  sources: [{ name: a, average: response_time }]
- name: throughput
  unit: '{request}/s'
  sources: [{ name: a, rate: { of: throughput } }]
- name: errors
  unit: '%'
  valid: { min: 0, max: 100 }
  sources: [{ name: a, ratio: { of: errors, to: requests } }]
- name: own
  unit: '1'
  sources: [{ name: a, average: plumbline.storage.utilization }]
`);

/** A whole minute, an hour before the clock. */
const START_S = Math.floor(NOW_UNIX_MS / 60_000) * 60 - 3_600;

let stored: StoredMetrics;
const checkers: DataChecker[] = [];

function createChecker(receiver = 'receiver-a', kpis: readonly Kpi[] = KPIS): DataChecker {
  const checker = createDataChecker({
    clickhouse: stored.clickhouse,
    readKpis: () => kpis,
    receiver,
    readQuery,
    everyMs: 3_600_000,
    nowUnixMs: () => NOW_UNIX_MS + checkers.length,
    onError: (error) => {
      throw error;
    },
  });
  checkers.push(checker);
  return checker;
}

const nanos = (atS: number) => BigInt(atS) * 1_000_000_000n;
const levels = (name: string, unit: string, values: number[], atS = START_S): OtlpMessage => ({
  name,
  unit,
  gauge: { dataPoints: values.map((asDouble, i) => numberPoint({ timeUnixNano: nanos(atS + i), asDouble })) },
});
const counter = (name: string, values: number[]): OtlpMessage => ({
  name,
  sum: {
    aggregationTemporality: 1,
    isMonotonic: true,
    dataPoints: values.map((asDouble, i) => numberPoint({ timeUnixNano: nanos(START_S + i), asDouble })),
  },
});
const extremes = (
  name: string,
  temporality: 1 | 2,
  points: [number, number][],
  fromS = START_S,
): OtlpMessage => ({
  name,
  unit: '{rating}',
  histogram: {
    aggregationTemporality: temporality,
    dataPoints: points.map(([min, max], i) => ({
      startTimeUnixNano: nanos(START_S - 60),
      timeUnixNano: nanos(fromS + 40 * i),
      count: 2n,
      sum: min + max,
      min,
      max,
      bucketCounts: [2n],
    })),
  },
});

async function checkBy(checker: DataChecker) {
  await stored.rollups.settle();
  await checker.checkNow();
  return checker.readChecked();
}

const readFlagged = () =>
  stored.sql(`
    SELECT s.metric_name AS metric, s.unit AS unit, kpi, toString(reason) AS reason, value, dateDiff('second', toDateTime(${START_S}, 'UTC'), time) AS at
    FROM flagged_points AS f FINAL INNER JOIN series AS s FINAL USING (series_id)
    ORDER BY metric, unit, time, kpi`);

beforeAll(async () => {
  stored = await openStoredMetrics(NOW_UNIX_MS);
}, 60_000);
afterAll(async () => {
  await Promise.all(checkers.map((checker) => checker.shutdown(0)));
  await stored.close();
});

describe('points of metrics that feed KPIs', () => {
  it('are flagged where they break unit, type or range of the definition, and counted once', async () => {
    await stored.send(
      ofService(
        'shop',
        levels('rating', '{rating}', [1, 5, 3, 5.5, 0, 4]),
        levels('response_time', 'ms', [200, 60_000, 60_001]),
        levels('response_time', '', [200, 300]),
        levels('throughput', '{request}', [10, 20]),
        counter('errors', [1e6, 2]),
        counter('requests', [5]),
        levels('nobody.asks', '', [1, 2, 3]),
        levels('plumbline.storage.utilization', '1', [0.5]),
      ),
    );
    expect(await checkBy(createChecker())).toEqual({ valid: 4 + 2 + 2 + 1, flagged: 2 + 1 + 2 + 2 });
    expect(await readFlagged()).toEqual([
      { metric: 'rating', unit: '{rating}', kpi: 'satisfaction', reason: 'range', value: 5.5, at: '3' },
      { metric: 'rating', unit: '{rating}', kpi: 'satisfaction', reason: 'range', value: 0, at: '4' },
      { metric: 'response_time', unit: '', kpi: 'response_time', reason: 'unit', value: 200, at: '0' },
      { metric: 'response_time', unit: '', kpi: 'response_time', reason: 'unit', value: 300, at: '1' },
      { metric: 'response_time', unit: 'ms', kpi: 'response_time', reason: 'range', value: 60_001, at: '2' },
      { metric: 'throughput', unit: '{request}', kpi: 'throughput', reason: 'type', value: 10, at: '0' },
      { metric: 'throughput', unit: '{request}', kpi: 'throughput', reason: 'type', value: 20, at: '1' },
    ]);
  });

  it('are not counted again after a restart, nor where they come twice; late ones are', async () => {
    const restarted = createChecker();
    expect(await checkBy(restarted)).toEqual({ valid: 0, flagged: 0 });
    await stored.send(ofService('shop', levels('rating', '{rating}', [1, 5, 3, 5.5, 0, 4, 2, 9])));
    expect(await checkBy(restarted)).toEqual({ valid: 1, flagged: 1 });
    expect(await checkBy(restarted)).toEqual({ valid: 1, flagged: 1 });
    expect(await checkBy(createChecker())).toEqual({ valid: 0, flagged: 0 });
    const [sums] = await stored.sql(
      'SELECT toUInt32(sum(points)) AS points, toUInt32(sum(flagged)) AS flagged FROM checked_minutes FINAL',
    );
    expect(sums).toEqual({ points: 18, flagged: 8 });
  });

  it('of histograms are flagged by their smallest and largest value, cumulative ones where these are new', async () => {
    await stored.send(
      ofService(
        'shop',
        extremes('rating.histogram', 1, [
          [1, 5],
          [0.5, 4],
          [2, 6],
          [2, 4],
        ]),
        extremes('rating.since_start', 2, [
          [2, 3],
          [2, 5.5],
          [2, 5.5],
          [0, 5.5],
          [0, 5.5],
        ]),
      ),
    );
    const checker = createChecker();
    expect(await checkBy(checker)).toEqual({ valid: 2 + 3, flagged: 2 + 2 });
    const flagged = (await readFlagged()).filter((row) => String(row.metric).startsWith('rating.'));
    expect(flagged.map(({ metric, value, at }) => [metric, value, at])).toEqual([
      ['rating.histogram', 0.5, '40'],
      ['rating.histogram', 6, '80'],
      ['rating.since_start', 5.5, '40'],
      ['rating.since_start', 0, '120'],
    ]);
  });

  it('are counted by one receiver where two rolled up the same minute', async () => {
    const other = createChecker('receiver-b');
    const mark = (version: bigint) =>
      stored.clickhouse.command(
        `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series)
         SELECT 'number', 60, toDateTime(${START_S}, 'UTC'), 'receiver-b', {version:UInt64}, false, []`,
        { params: { version } },
      );
    await mark(1n);
    expect(await checkBy(other)).toEqual({ valid: 0, flagged: 0 });
    // What receiver-b finds first is its own, and receiver-a's no more.
    await stored.send(ofService('shop', levels('rating', '{rating}', [3], START_S + 30)));
    await stored.rollups.settle();
    await mark(2n);
    expect(await checkBy(other)).toEqual({ valid: 1, flagged: 0 });
    expect(await checkBy(createChecker('receiver-a'))).toEqual({ valid: 0, flagged: 0 });
  });

  it('of folded series are judged by the series that describes them', async () => {
    const time = `toDateTime64(${START_S + 360}, 9, 'UTC')`;
    for (const statement of [
      "INSERT INTO folded_series (series_id, overflow_series_id) SELECT 7, series_id FROM series WHERE metric_name = 'rating'",
      `INSERT INTO number_points (series_id, time, kind, value_type, value_double) SELECT 7, ${time}, 'gauge', 'double', 8`,
      `INSERT INTO number_1m (series_id, time, points, count, min, max) SELECT 7, ${time}, 1, 1, 8, 8`,
      `INSERT INTO rollup_marks (shape, resolution_s, time, receiver, version, waits, series) SELECT 'number', 60, ${time}, 'receiver-b', 3, false, []`,
    ])
      await stored.clickhouse.command(statement);
    expect(await checkBy(createChecker('receiver-b'))).toEqual({ valid: 0, flagged: 1 });
  });

  it('are judged by the KPIs in force', async () => {
    const strict = [{ ...KPIS[0]!, validMax: 3 }];
    await stored.send(ofService('shop', levels('rating', '{rating}', [4, 3], START_S + 120)));
    expect(await checkBy(createChecker('receiver-a', strict))).toEqual({ valid: 1, flagged: 1 });
    await stored.send(ofService('shop', levels('rating', '{rating}', [4], START_S + 240)));
    expect(await checkBy(createChecker('receiver-a', []))).toEqual({ valid: 0, flagged: 0 });
  });
});
