/**
 * What the metrics of KPIs are in this database: of which shapes their series are, and whether any were folded. A KPI's SQL
 * that leaves out what is not there is planned several times faster. Enters: KPIs; leaves: kinds by metric. Holds nothing.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { Kpi, MetricShape } from '../model/kpi.js';
import { metricsOf, shapesOf } from './kpi-terms.js';

interface MetricKind {
  shapes: readonly MetricShape[];
  hasFolded: boolean;
}

/** By metric; one without series is not there. */
export type MetricKinds = ReadonlyMap<string, MetricKind>;

const SHAPES: Record<string, MetricShape> = {
  gauge: 'number',
  sum: 'number',
  histogram: 'histogram',
  exponential_histogram: 'exponential_histogram',
  summary: 'summary',
};

/** `readQuery` gives the text of a file of clickhouse/queries. */
export async function readKinds(
  clickhouse: Pick<ClickHouse, 'query'>,
  readQuery: (name: string) => string,
  kpis: readonly Kpi[],
): Promise<MetricKinds> {
  const metrics = [...new Set(kpis.flatMap(metricsOf))].sort();
  if (metrics.length === 0) return new Map();
  const rows = await clickhouse.query<{
    metric_name: string;
    types: string[];
    has_folded: boolean | number;
  }>(readQuery('metric_kinds'), { params: { metrics } });
  return kindsOfRows(rows.map((row) => [row.metric_name, row.types, row.has_folded]));
}

/** A row of clickhouse/queries/metric_kinds.sql. */
export type KindRow = readonly [metric: string, types: readonly string[], hasFolded: boolean | number];

export function kindsOfRows(rows: readonly KindRow[]): MetricKinds {
  return new Map(
    rows.map(([metric, types, hasFolded]) => [
      metric,
      {
        shapes: [...new Set(types.map((type) => SHAPES[type]!))].sort(),
        hasFolded: Boolean(Number(hasFolded)),
      },
    ]),
  );
}

/** What of all that a KPI could read is there. */
export interface KpiKinds extends MetricKind {
  metrics: readonly string[];
}

/** No metrics and no shapes where nothing that the KPI could read was ever sent. */
export function kindsOf(kpi: Kpi, kinds: MetricKinds): KpiKinds {
  const metrics = metricsOf(kpi).filter((metric) => kinds.has(metric));
  const own = metrics.map((metric) => kinds.get(metric)!);
  const sent = new Set(own.flatMap(({ shapes }) => shapes));
  return {
    metrics,
    shapes: shapesOf(kpi).filter((shape) => sent.has(shape)),
    hasFolded: own.some(({ hasFolded }) => hasFolded),
  };
}

/** A text that differs when the kinds do. */
export function describeKinds(kinds: MetricKinds): string {
  return JSON.stringify([...kinds].sort(([a], [b]) => (a < b ? -1 : 1)));
}
