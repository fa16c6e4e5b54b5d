/**
 * Which metrics of a KPI are histograms, so that there are quantiles and exemplars of them. Enters: a Kpi and what is known of
 * metrics; leaves: names in the order of its sources. A catalogue says which shapes it reads, not which are sent.
 */
import type { Kpi, Selector, Source } from '../model/kpi.js';
import type { GrafanaOptions } from './grafana-options.js';

/** Plumbline's own metrics are not made by requests that anyone traces. */
const OWN = 'plumbline.';

type Known = Pick<GrafanaOptions, 'isHistogram'>;

function selectorsOf({ formula }: Source): readonly Selector[] {
  switch (formula.kind) {
    case 'average':
    case 'percentile':
    case 'rate':
      return formula.of.selectors;
    case 'ratio':
      return [...formula.numerator.selectors, ...formula.denominator.selectors];
    default:
      return [];
  }
}

export function histogramsOf(kpi: Kpi, { isHistogram }: Known): string[] {
  const metrics = kpi.sources.flatMap(selectorsOf).map(({ metric }) => metric);
  return [...new Set(metrics.filter(isHistogram))];
}

/** Quantiles are in the KPI's unit only where the KPI is made of the values themselves. */
export function hasQuantiles(kpi: Kpi, { isHistogram }: Known): boolean {
  const direct = kpi.sources.filter(({ formula }) => ['average', 'percentile'].includes(formula.kind));
  return direct.some((source) => selectorsOf(source).some(({ metric }) => isHistogram(metric)));
}

export function hasExemplars(kpi: Kpi, known: Known): boolean {
  return histogramsOf(kpi, known).some((metric) => !metric.startsWith(OWN));
}
