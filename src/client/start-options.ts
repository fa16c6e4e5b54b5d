/** What startPlumbline takes, checked: enters options, leaves where and how to send. Throws TypeErrors that say the fix. */
import type { Attributes, MeterProvider } from '@opentelemetry/api';
import { checkPositive, checkText } from './argument-checks.js';
import type { Recorder, RecorderOptions } from './recorder.js';

export interface StartOptions extends Pick<RecorderOptions, 'attributes' | 'normalisePageUrl' | 'onInvalid'> {
  /** service.name of everything that is sent; stored as source_system. */
  serviceName: string;
  /** Where Plumbline takes OTLP over HTTP. In Node OTEL_EXPORTER_OTLP_ENDPOINT, else http://localhost:4318. */
  endpoint?: string;
  /** How often values are sent, milliseconds; 10,000 unless given. */
  exportIntervalMs?: number;
  /** cumulative in Node, where a process lives long; delta elsewhere, where pages and workers do not. */
  temporality?: 'cumulative' | 'delta';
  /** Sent with every export: `{ Authorization: 'Bearer …' }`. */
  headers?: Record<string, string>;
  /** Resource attributes besides service.name. */
  resource?: Attributes;
  /** From which level on OpenTelemetry's own messages, failed exports above all, go to the console; warn unless given. */
  logLevel?: 'none' | 'error' | 'warn' | 'info' | 'debug';
}

export interface RunningPlumbline {
  /** Has the attributes and the normalisePageUrl given; the functions of the module record too, without those. */
  recorder: Recorder;
  meterProvider: MeterProvider;
  /** Sends what was recorded so far. Never rejects: failures are logged. */
  flush(): Promise<void>;
  /** Sends what is left and ends; the second call is the first. `process.once('SIGTERM', () => plumbline.shutdown())` */
  shutdown(): Promise<void>;
}

const EXPORT_INTERVAL_MS = 10_000;
const METRICS_PATH = '/v1/metrics';
const LOG_LEVELS = ['none', 'error', 'warn', 'info', 'debug'];

export interface ExportPlan {
  url: string | undefined;
  exportIntervalMs: number;
  isDelta: boolean;
}

export function planExport(options: StartOptions, isNode: boolean): ExportPlan {
  const { endpoint, exportIntervalMs = EXPORT_INTERVAL_MS } = options;
  checkText('serviceName', options.serviceName);
  checkPositive('exportIntervalMs', exportIntervalMs);
  checkOneOf('logLevel', options.logLevel ?? 'warn', LOG_LEVELS);
  const temporality = options.temporality ?? (isNode ? 'cumulative' : 'delta');
  checkOneOf('temporality', temporality, ['cumulative', 'delta']);
  return {
    url: endpoint === undefined ? undefined : joinMetricsPath(endpoint),
    exportIntervalMs,
    isDelta: temporality === 'delta',
  };
}

/** Both the base address and the full one are understood. */
function joinMetricsPath(endpoint: string): string {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `endpoint must be an address like http://127.0.0.1:4318, was ${JSON.stringify(endpoint)}`,
    );
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(METRICS_PATH) ? path : `${path}${METRICS_PATH}`;
  return url.href;
}

function checkOneOf(name: string, value: string, choices: readonly string[]): void {
  if (!choices.includes(value)) {
    throw new TypeError(`${name} must be one of ${choices.join(', ')}, was ${JSON.stringify(value)}`);
  }
}
