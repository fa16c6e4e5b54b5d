/**
 * Measuring and recording without a server: a clock of the test's choice, a door that may be closed, and what is handed
 * to it read back by the reference decoder.
 */
import { describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../src/model/errors.js';
import type { ExportMetrics, ExportOutcome } from '../../src/model/export-outcome.js';
import { createSelfMetrics, type SelfMetricsOptions, type SelfState } from '../../src/self/self-metrics.js';
import { Traffic } from '../../src/self/traffic.js';
import { EXPORT_REQUEST_TYPE } from '../testkit/reference-decoder.js';

interface Point {
  startTimeUnixNano: string;
  timeUnixNano: string;
  attributes?: { value: { stringValue: string } }[];
  asInt?: string;
  asDouble?: number;
  count?: string;
  sum?: number;
}
interface Metric {
  name: string;
  sum?: { dataPoints: Point[]; isMonotonic: boolean; aggregationTemporality: string };
  gauge?: { dataPoints: Point[] };
  histogram?: { dataPoints: Point[] };
}

const STARTED_MS = Date.now() - 60_000;
const STATE: SelfState = {
  spoolBytes: 25,
  spoolBytesMax: 100,
  isSpoolFull: false,
  rollupsWaiting: 3,
  activeSeries: 11,
  seriesBudget: 0,
  conflictingPoints: 0,
  requestsRefused: 0,
};

async function start(options: Partial<SelfMetricsOptions> = {}) {
  const door = {
    requests: [] as Metric[][],
    error: undefined as Error | undefined,
    errors: [] as string[],
    nowMs: STARTED_MS,
    state: { ...STATE },
  };
  const self = createSelfMetrics({
    intervalMs: 3_600_000,
    receiver: 'receiver-1',
    version: '1.2.3',
    dataDirectory: '.',
    nowUnixMs: () => door.nowMs,
    async exportMetrics(bytes) {
      if (door.error) throw door.error;
      const request = EXPORT_REQUEST_TYPE.toObject(EXPORT_REQUEST_TYPE.decode(bytes), {
        longs: String,
        enums: String,
      });
      door.requests.push(request.resourceMetrics[0].scopeMetrics[0].metrics);
      return { accepted: 1, rejected: 0, rejections: [] };
    },
    readState: () => door.state,
    onError: (error) => door.errors.push(error.message),
    ...options,
  });
  await self.start();
  /** Records now; values of a metric by the value of its attribute. */
  async function record(name: string): Promise<Record<string, number>> {
    await self.flush();
    const metric = door.requests.at(-1)?.find((one) => one.name === name);
    const points = (metric?.sum ?? metric?.gauge)?.dataPoints ?? [];
    return Object.fromEntries(
      points.map((p) => [p.attributes?.[0]?.value.stringValue ?? '', Number(p.asInt ?? p.asDouble)]),
    );
  }
  async function recordDurations(): Promise<{ count: number; sumS: number }> {
    await self.flush();
    const metric = door.requests.at(-1)!.find((one) => one.name === 'plumbline.processing.duration');
    const [point] = metric?.histogram?.dataPoints ?? [];
    return { count: Number(point?.count ?? 0), sumS: point?.sum ?? 0 };
  }
  return { self, door, record, recordDurations };
}

const BYTES = new Uint8Array();
const accepting = (accepted: number, segment: string, rejected = 0): ExportMetrics => {
  const outcome: ExportOutcome = { accepted, rejected, rejections: [], ...(accepted > 0 && { segment }) };
  return async () => outcome;
};
const segment = (name: string, begunMs?: number) => ({
  name,
  bytes: 1,
  ...(begunMs !== undefined && { begunMs }),
});

describe('counting', () => {
  it('counts every call by its outcome and passes it on unchanged', async () => {
    const { self, record, door } = await start();
    const refused = new RetryableError('full', 1000);
    const malformed = new PermanentError('malformed', 'no');
    await self.watch(accepting(5, 'a', 2))(BYTES, 'protobuf');
    await self.watch(accepting(0, 'a', 1))(BYTES, 'json');
    await expect(self.watch(() => Promise.reject(refused))(BYTES, 'json')).rejects.toBe(refused);
    await expect(self.watch(() => Promise.reject(malformed))(BYTES, 'json')).rejects.toBe(malformed);
    door.state.requestsRefused = 10;
    expect(await record('plumbline.points')).toEqual({ accepted: 5, rejected: 3, dropped: 0 });
    expect(await record('plumbline.requests')).toEqual({ answered: 2, malformed: 1, refused: 11 });
    door.state.requestsUnauthenticated = 4;
    expect(await record('plumbline.requests')).toMatchObject({ unauthenticated: 4 });
    await self.shutdown(1000);
  });

  it('lets every count begin with the process, so that what came before the first interval adds up too', async () => {
    const { self, door } = await start();
    await self.watch(accepting(5, 'a'))(BYTES, 'protobuf');
    self.recordStored(segment('a'));
    await self.flush();
    const starts = door.requests[0]!.flatMap(({ sum, gauge, histogram }) =>
      (sum ?? gauge ?? histogram)!.dataPoints.map((point) => point.startTimeUnixNano),
    );
    expect(new Set(starts)).toEqual(new Set([`${STARTED_MS}000000`]));
    const sums = door.requests[0]!.flatMap((metric) => metric.sum ?? []);
    expect(sums.map((sum) => [sum.isMonotonic, sum.aggregationTemporality])).toEqual([
      [true, 'AGGREGATION_TEMPORALITY_CUMULATIVE'],
      [true, 'AGGREGATION_TEMPORALITY_CUMULATIVE'],
    ]);
    await self.shutdown(1000);
  });

  it('calls points dropped whose segment was put aside, but not its own', async () => {
    const { self, record } = await start();
    await self.watch(accepting(5, 'mixed'))(BYTES, 'protobuf');
    await self.watch(accepting(7, 'stored'))(BYTES, 'protobuf');
    self.recordQuarantined(segment('mixed'), 25);
    self.recordStored(segment('stored'));
    self.recordQuarantined(segment('own-points-only'), 20);
    expect(await record('plumbline.points')).toEqual({ accepted: 12, rejected: 0, dropped: 5 });
    self.recordQuarantined(segment('left', STARTED_MS - 5), 100);
    expect(await record('plumbline.points')).toEqual({ accepted: 12, rejected: 0, dropped: 105 });
    await self.shutdown(1000);
  });
});

describe('points of a damaged segment', () => {
  it('are dropped as far as they are lost, and the others are stored', async () => {
    const { self, record } = await start();
    await self.watch(accepting(30, 'damaged'))(BYTES, 'protobuf');
    self.recordStored(segment('damaged'));
    self.recordDamaged(segment('damaged'), 10);
    expect(await record('plumbline.points')).toEqual({ accepted: 30, rejected: 0, dropped: 10 });
    await self.shutdown(1000);
  });
});

describe('processing time', () => {
  it('is measured for each request from its arrival until its segment is stored', async () => {
    const { self, door, recordDurations } = await start();
    const watched = self.watch(accepting(1, 'a'));
    await watched(BYTES, 'protobuf');
    door.nowMs += 400;
    await watched(BYTES, 'protobuf');
    door.nowMs += 100;
    self.recordStored(segment('own-points-only'));
    expect(await recordDurations()).toEqual({ count: 0, sumS: 0 });
    self.recordStored(segment('a'));
    self.recordStored(segment('a'));
    expect(await recordDurations()).toEqual({ count: 2, sumS: 0.6 });
    self.recordStored(segment('left', STARTED_MS - 9_500));
    expect(await recordDurations()).toEqual({ count: 3, sumS: 10.6 });
    await self.shutdown(1000);
  });

  it('remembers a bounded number of requests, then the oldest of each segment', async () => {
    let nowMs = 0;
    const traffic = new Traffic(() => nowMs, 2);
    for (const name of ['a', 'a', 'b', 'b', 'b', 'b', 'c', 'c']) {
      nowMs++;
      await traffic.watch(accepting(1, name))(BYTES, 'protobuf');
    }
    nowMs = 10;
    expect(['a', 'b', 'c'].map((name) => traffic.takeStored(segment(name)))).toEqual([[9, 8], [7, 6], [3]]);
    for (let i = 0; i < 4; i++) await traffic.watch(accepting(1, 'd'))(BYTES, 'protobuf');
    expect(traffic.takeStored(segment('d'))).toHaveLength(3);
  });

  it('is the time until a question would have seen the points, where questions store what waits', async () => {
    let nowMs = 0;
    const traffic = new Traffic(() => nowMs);
    const take = async (
      arrivedMs: number,
      answeredMs: number,
      storedMs: number,
      turnMs: number,
      pauseMs: number,
    ) => {
      nowMs = arrivedMs;
      const answer = async () => {
        nowMs = answeredMs;
        return { accepted: 1, rejected: 0, rejections: [], segment: 'a' };
      };
      await traffic.watch(answer)(BYTES, 'protobuf');
      nowMs = storedMs;
      return traffic.takeStored(segment('a'), { turnMs, pauseMs });
    };
    // 5 ms to the answer, 20 ms for a turn; the turn before was over long ago.
    expect(await take(1_000, 1_005, 9_000, 20, 9_000)).toEqual([25]);
    // The turn before ended 700 ms after the answer.
    expect(await take(1_000, 1_005, 9_000, 20, 7_275)).toEqual([725]);
    // ClickHouse was away: the turn lasted for seven seconds, and the points were there from its beginning.
    expect(await take(1_000, 1_005, 9_000, 7_000, 1_000)).toEqual([7_005]);
    // It cannot have taken longer than from the arrival until now.
    expect(await take(1_000, 1_005, 1_100, 500, Number.POSITIVE_INFINITY)).toEqual([100]);
  });

  it('is never negative where the clock was set back', () => {
    const traffic = new Traffic(() => 5);
    expect(traffic.takeStored(segment('left', 100))).toEqual([0]);
  });
});

describe('readings', () => {
  it('has the shares of both stores, and no budget where it is unlimited', async () => {
    const { self, record } = await start();
    const { spool, data } = await record('plumbline.storage.utilization');
    expect(spool).toBe(0.25);
    expect(data).toBeGreaterThan(0);
    expect(data).toBeLessThanOrEqual(1);
    expect(await record('plumbline.series.active')).toEqual({ '': 11 });
    expect(await record('plumbline.series.budget')).toEqual({});
    expect(await record('plumbline.data.checked')).toEqual({});
    await self.shutdown(1000);
  });

  it('records what was checked, and goes on without it where it cannot be read', async () => {
    let isBroken = false;
    const { self, door, record } = await start({
      readChecked: async () => {
        if (isBroken) throw new Error('no answer');
        return { valid: 98, flagged: 2 };
      },
    });
    expect(await record('plumbline.data.checked')).toEqual({ valid: 98, flagged: 2 });
    isBroken = true;
    await record('plumbline.data.checked');
    expect(await record('plumbline.rollups.waiting')).toEqual({ '': 3 });
    expect(door.errors).toEqual(['the accuracy of the data cannot be read: no answer']);
    await self.shutdown(1000);
  });

  it('goes on where the file system cannot be read', async () => {
    const { self, door, record } = await start({ dataDirectory: './not-there' });
    expect(await record('plumbline.storage.utilization')).toEqual({ spool: 0.25 });
    await self.flush();
    expect(door.errors).toHaveLength(1);
    await self.shutdown(1000);
  });
});

describe('recording', () => {
  it('tells of a failure once until it works again, and then has all counts', async () => {
    const { self, door, record } = await start();
    door.error = new RetryableError('the disk is gone', 5_000);
    await self.watch(accepting(5, 'a'))(BYTES, 'protobuf');
    await self.flush();
    await self.flush();
    expect(door.errors).toEqual(['metrics of Plumbline itself are not recorded: the disk is gone']);
    door.error = undefined;
    expect(await record('plumbline.points')).toMatchObject({ accepted: 5 });
    door.error = new Error('again');
    await self.flush();
    expect(door.errors).toHaveLength(2);
    await self.shutdown(1000);
    expect(door.errors).toHaveLength(2);
  });

  it('sends nothing while the spool is full', async () => {
    const { self, door, record } = await start();
    door.state.isSpoolFull = true;
    await self.flush();
    expect([door.requests, door.errors]).toEqual([[], []]);
    door.state.isSpoolFull = false;
    expect(await record('plumbline.rollups.waiting')).toEqual({ '': 3 });
    await self.shutdown(1000);
  });

  it('ends in time where the door does not answer', async () => {
    const { self, door } = await start({ exportMetrics: () => new Promise(() => {}) });
    await self.shutdown(50);
    expect(door.errors).toHaveLength(1);
    // May be repeated.
    await self.shutdown(50);
  });

  it('records a last time on shutdown, and nothing afterwards', async () => {
    const { self, door } = await start();
    await self.shutdown(1000);
    expect(door.requests).toHaveLength(1);
    self.recordStored(segment('left', STARTED_MS));
    await self.flush();
    await self.shutdown(1000);
    expect(door.requests).toHaveLength(1);
  });

  it('does nothing at all with an interval of 0, and leaves the receivers their own function', async () => {
    const { self, door } = await start({ intervalMs: 0 });
    const exportMetrics = accepting(1, 'a');
    expect(self.watch(exportMetrics)).toBe(exportMetrics);
    self.recordStored(segment('left', 0));
    await self.flush();
    await self.shutdown(1000);
    expect(door.requests).toEqual([]);
  });
});
