/**
 * What rendering needs to know besides the KPIs: names that differ from one place to another. Types and defaults only; where
 * they come from is the command's business.
 */
import type { AlertsConfig } from '../model/alerts.js';

/** A category of the taxonomy with the words people read. */
export interface GrafanaCategory {
  id: string;
  title: string;
  description: string;
  subcategories: readonly { id: string; title: string; description: string }[];
}

export interface GrafanaOptions {
  /** Who is told of alerts, and which rules there are. */
  alerts: AlertsConfig;
  categories: readonly GrafanaCategory[];
  /** Whether a metric is sent as a histogram by whatever usually sends it. */
  isHistogram(metric: string): boolean;
  /** Database of the views in ClickHouse. */
  database: string;
  /** Address that runbooks are below; '' where they are only named. */
  docsUrl: string;
  /** Address that a trace ID is put behind. */
  traceUrl: string;
}

export const GRAFANA_DEFAULTS = {
  database: 'plumbline',
  /** The web port of a Plumbline on the same machine. */
  docsUrl: 'http://localhost:4320',
  /** Where Jaeger shows a trace. */
  traceUrl: 'http://localhost:16686/trace/',
} as const;
