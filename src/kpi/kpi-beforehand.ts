/**
 * What has to be known before a KPI's SQL is written, in one question: kinds of its metrics, buckets that wait to be rolled
 * up, thresholds. Written into the SQL it is planned in half the time. Holds nothing between two questions.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { FactsQuery, WaitingBuckets } from '../model/facts.js';
import type { Kpi, MetricShape } from '../model/kpi.js';
import { planFaster } from '../model/planned-faster.js';
import type { ThresholdVersion } from './judge-sql.js';
import { metricsOf } from './kpi-terms.js';
import { type KindRow, kindsOfRows, type MetricKinds } from './metric-kinds.js';

/** With more marks than these, SQL reads them itself. */
const MARKS_MAX = 1_000;

export interface Beforehand {
  kinds: MetricKinds;
  /** undefined: too many to write down. */
  waiting: FactsQuery['waiting'];
  /** In force, in the order of time. */
  thresholds: ThresholdVersion[];
}

/** Of each part what its JSON holds. */
interface Parts {
  kinds: KindRow[];
  marks: [shape: MetricShape, resolutionS: number, timeS: number][];
  versions: [
    fromMs: number | string,
    target: number | null,
    warning: number | null,
    critical: number | null,
  ][];
}

/** `readQuery` gives the text of a file of clickhouse/queries. */
export async function readBeforehand(
  clickhouse: Pick<ClickHouse, 'query'>,
  readQuery: (name: string) => string,
  kpi: Pick<Kpi, 'name' | 'unit' | 'sources'>,
  endS: number,
): Promise<Beforehand> {
  const sql = readQuery('kpi_beforehand').replace('{metric_kinds}', readQuery('metric_kinds'));
  const params = { metrics: metricsOf(kpi), kpi: kpi.name, end_s: endS, marks_max: MARKS_MAX };
  const answers = await planFaster((settings) =>
    clickhouse.query<{ part: keyof Parts; rows: string }>(sql + settings, { params }),
  );
  const parts = Object.fromEntries(answers.map(({ part, rows }) => [part, JSON.parse(rows)]));
  const { kinds, marks, versions } = parts as Parts;
  return {
    kinds: kindsOfRows(kinds),
    waiting: marks.length > MARKS_MAX ? undefined : waitingOf(marks),
    thresholds: versions
      .map(([fromMs, target, warning, critical]) => ({
        fromMs: Number(fromMs),
        target: target ?? undefined,
        warning: warning ?? undefined,
        critical: critical ?? undefined,
      }))
      .sort((a, b) => a.fromMs - b.fromMs),
  };
}

const DAY_S = 86_400;
const HOUR_S = 3_600;

/** A coarse bucket waits while any finer one in it does. */
function waitingOf(marks: Parts['marks']): NonNullable<FactsQuery['waiting']> {
  const waiting: Partial<Record<MetricShape, WaitingBuckets>> = {};
  for (const shape of new Set(marks.map(([of]) => of))) {
    const own = marks.filter(([of]) => of === shape);
    const buckets = (sizeS: number) => [
      ...new Set(
        own
          .filter(([, resolutionS]) => resolutionS <= sizeS)
          .map(([, , timeS]) => Math.floor(timeS / sizeS) * sizeS),
      ),
    ];
    waiting[shape] = { day: buckets(DAY_S), hour: buckets(HOUR_S), minute: buckets(60) };
  }
  return waiting;
}
