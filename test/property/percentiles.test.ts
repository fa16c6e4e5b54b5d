/**
 * Percentiles of KPIs by adding up buckets are those of the statement that is right for everything: for random histograms,
 * late, repeated and shuffled, from raw points, rollups and any mix, in windows and steps of any kind. Where buckets cannot be
 * added up the answer says so.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRandom, type Random } from '../../src/demo/random.js';
import { compileKpi } from '../../src/kpi/compile-kpi.js';
import { readBeforehand } from '../../src/kpi/kpi-beforehand.js';
import { kindsOf } from '../../src/kpi/metric-kinds.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { Kpi } from '../../src/model/kpi.js';
import { PointBatch } from '../../src/model/point-batch.js';
import type { Rollups } from '../../src/store/rollups.js';
import { readQuery } from '../../src/store/sql-files.js';
import { FACTS } from '../../src/store/views/metric-facts.js';
import { pushPoint } from '../testkit/histogram-batch.js';
import {
  type HistogramPoint,
  type HistogramStream,
  makeHistogramStream,
} from '../testkit/random-histogram.js';
import { openScratchEngine, type ScratchEngine } from '../testkit/scratch-engine.js';
import { createRollups, storeBatch } from '../testkit/stored-batches.js';

const STREAMS = 200;
const WINDOWS = 12;
const BASE_S = Date.UTC(2026, 10, 17, 9, 47, 11) / 1000;
const SPAN_S = 50 * 3_600;
const NOW_MS = Date.UTC(2026, 10, 21);
const LAYOUTS = [[0, 5, 10, 25], [-10, 0, 10], [5]];

let engine: ScratchEngine;
let clickhouse: ClickHouse;

beforeAll(async () => {
  engine = await openScratchEngine();
  clickhouse = engine.clickhouse;
});

afterAll(async () => {
  await engine?.close();
});

const rollupsOf = (receiver: string) => createRollups(clickhouse, { receiver, nowUnixMs: () => NOW_MS });

interface Sender {
  stream: HistogramStream;
  /** Value of the attribute that the KPI is grouped by. */
  group: string;
}

/** Most keep their bounds, and share a group with others of the same; some change them. */
function makeSender(random: Random): Sender {
  const stream = { ...makeHistogramStream(random, SPAN_S * 1e6), isExponential: false };
  if (random.chance(0.1)) return { stream, group: `changing ${random.pick([1, 2])}` };
  const layout = random.pick(LAYOUTS);
  const points = stream.points.map((p) => ({ ...p, bounds: p.values && layout }));
  const isPlain = ['delta', 'cumulative'].includes(stream.kind);
  return {
    stream: { ...stream, points, isUnsteady: false },
    group: `${isPlain ? 'plain' : stream.kind} ${layout} ${stream.hasExtremes}`,
  };
}

const KPI: Kpi = {
  name: 'slowest',
  title: 'Slowest',
  unit: 'ms',
  direction: 'lower_is_better',
  windowS: 3_600,
  samplesMin: 1,
  completenessMin: 0,
  staleAfterS: 1e9,
  groupBy: [{ label: 'group', attributes: ['group'] }],
  sources: [
    {
      name: 'own',
      formula: {
        kind: 'percentile',
        quantile: 0.9,
        of: {
          selectors: [{ metric: 'took', where: {}, whereNot: {}, shapes: [] }],
          measure: 'average',
          across: 'average',
        },
      },
    },
  ],
} as unknown as Kpi;

interface Answer {
  time: string;
  group: string[];
  value: number | null;
  samples: number;
  points: string;
  resets: string;
  misread?: number | boolean;
}

async function ask(startS: number, endS: number, stepS: number, rows: 'whole' | 'steps', isProbed: boolean) {
  const { kinds, waiting } = await readBeforehand(clickhouse, readQuery, KPI, endS);
  const sql = compileKpi(KPI, FACTS, {
    start: `toDateTime(${startS}, 'UTC')`,
    end: `toDateTime(${endS}, 'UTC')`,
    step: String(stepS),
    known: { startS, endS, stepS },
    waiting,
    isProbed,
    rows,
    there: kindsOf(KPI, kinds),
    judgedBy: [],
  });
  const answers = await clickhouse.query<Answer>(sql);
  return new Map(answers.map((row) => [`${row.time} ${row.group.join()}`, row]));
}

/** Whole or not, over days or less. */
function makeWindow(random: Random): { startS: number; endS: number; stepS: number } {
  const unitS = random.pick([86_400, 3_600, 60, 1]);
  const align = (s: number) => Math.floor(s / unitS) * unitS;
  const startS = align(BASE_S + (random.uniform() - 0.1) * SPAN_S);
  const endS = align(startS + random.uniform() * SPAN_S) + unitS;
  return { startS, endS, stepS: random.pick([endS - startS, 86_400, 7_200, 5_400]) };
}

describe('percentiles of added up buckets', () => {
  it(`are those of the exact statement in ${WINDOWS} windows over ${STREAMS} random streams`, async () => {
    const random = createRandom(4);
    const senders = Array.from({ length: STREAMS }, () => makeSender(random));
    const ids = senders.map((_, i) => i);
    await clickhouse.command(
      `INSERT INTO series (series_id, metric_name, metric_type, unit, attributes)
       SELECT id, 'took', 'histogram', 's', map('group', of)
       FROM (SELECT arrayJoin(arrayZip({ids:Array(UInt64)}, {groups:Array(String)})) AS pair, pair.1 AS id, pair.2 AS of)`,
      { params: { ids, groups: senders.map(({ group }) => group) } },
    );
    const receivers = [rollupsOf('a'), rollupsOf('b')];
    const arrivals = senders
      .flatMap(({ stream }, i) => stream.points.map((point) => ({ i, stream, point, at: random.uniform() })))
      .sort((a, b) => a.at - b.at);
    let [same, several, misread] = [0, 0, 0];
    for (let w = 0; w < WINDOWS; w++) {
      const part = arrivals.splice(0, Math.ceil(arrivals.length / (WINDOWS - w)));
      await insert(part, receivers[w % 2]!);
      if (random.chance(0.7)) await receivers[w % 2]!.settle();
      const { startS, endS, stepS } = makeWindow(random);
      const rows = stepS >= endS - startS ? 'whole' : 'steps';
      const [exact, fast] = [
        await ask(startS, endS, stepS, rows, false),
        await ask(startS, endS, stepS, rows, true),
      ];
      expect([...fast.keys()].sort()).toEqual([...exact.keys()].sort());
      for (const [key, row] of fast) {
        const { value, samples, points, resets } = exact.get(key)!;
        expect([row.samples, row.points, row.resets], key).toEqual([samples, points, resets]);
        if (Number(row.misread) > 0) {
          misread++;
          expect(key, 'plain ones can be added up').not.toContain('plain');
          continue;
        }
        expect(row.value === null, key).toBe(value === null);
        if (value !== null) {
          same++;
          if (Number(samples) > 5) several++;
          expect(Math.abs(row.value! - value), `${key}: ${row.value} instead of ${value}`).toBeLessThan(1e-6);
        }
      }
    }
    for (const rollups of receivers) await rollups.shutdown(1_000);
    expect(same).toBeGreaterThan(100);
    expect(several).toBeGreaterThan(50);
    expect(misread).toBeGreaterThan(5);
  }, 300_000);
});

async function insert(
  arrivals: readonly { i: number; stream: HistogramStream; point: HistogramPoint }[],
  rollups: Rollups,
): Promise<void> {
  const batch = new PointBatch();
  for (const { i, stream, point } of arrivals)
    pushPoint(batch, BigInt(i), stream, point, (us) => BigInt(BASE_S * 1e6 + us) * 1000n);
  await storeBatch(clickhouse, rollups, batch, NOW_MS);
}
