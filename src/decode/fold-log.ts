/**
 * What the sender is told about series beyond a budget. Enters: points that were folded, counted per budget and metric;
 * leaves: one warning a budget and metric or service, with what to do about it. Nothing is lost, so nothing is rejected.
 */
import type { Budget, BudgetLimits } from './series-budget.js';

/** Points of one request whose series found no place in one budget. */
export interface Folded {
  budget: Budget;
  /** The metric or the service whose budget is spent; '' for that of all series. */
  name: string;
  count: number;
}

/** Collects the folded points of one request: one entry per budget and name. */
export class FoldLog {
  readonly folded: Folded[] = [];

  add(budget: Budget, name: string, count: number): void {
    const known = this.folded.find((entry) => entry.budget === budget && entry.name === name);
    if (known) known.count += count;
    else this.folded.push({ budget, name, count });
  }
}

const SETTINGS: Record<Budget, { env: string; limit: keyof BudgetLimits }> = {
  metric: { env: 'PLUMBLINE_SERIES_PER_METRIC_MAX', limit: 'perMetric' },
  service: { env: 'PLUMBLINE_SERIES_PER_SERVICE_MAX', limit: 'perService' },
  total: { env: 'PLUMBLINE_SERIES_MAX', limit: 'total' },
};

/** The sentence for one entry of a FoldLog. */
export function describeFolded({ budget, name, count }: Folded, limits: BudgetLimits): string {
  const { env, limit } = SETTINGS[budget];
  const whose = budget === 'total' ? 'all services together have' : `${budget} "${name}" has`;
  const points = `${count} point${count === 1 ? '' : 's'}`;
  return (
    `${points} of new series folded into overflow series (otel.metric.overflow=true): ${whose} the ` +
    `${limits[limit]} active series that ${env} allows; totals stay exact, attributes of new series are not kept`
  );
}
