/**
 * Where metrics come from: the function of the recorder library that records one, and what else sends it without code of
 * one's own. Enters: the name of a metric; leaves: words, and what to send where nobody does. Used by `plumbline coverage`
 * and docs/integration-points.md.
 */
import type { PlacedTerm } from '../kpi/kpi-terms.js';
import type { Kpi, MetricShape } from '../model/kpi.js';

export interface RecordedMetric {
  instrument: 'counter' | 'histogram' | 'gauge';
  unit: string;
  /** Calls of the recorder library (docs/client.md) that record it, the plainest first. */
  calls: readonly string[];
}

const ADOPTION = ['trackAdoption(feature, activeUsers, totalUsers)'];
const AUTOMATION = ['trackAutomation(service, automatedTasks, totalTasks)'];
const BUSINESS_VALUE = ['trackBusinessValue(feature, usageCount, costSavingsUsd)'];
const HANDLER = 'instrumentHandler(endpoint, handler)';
const PAGE_LOAD = ['trackPageLoad()'];

/** By metric. The library itself is for apps and not for the server, so that its table is told again here; a test compares. */
export const RECORDED_METRICS: Readonly<Record<string, RecordedMetric>> = {
  response_time: {
    instrument: 'histogram',
    unit: 's',
    calls: ['trackResponseTime(endpoint, startTime)', HANDLER, 'timed(name, fn)'],
  },
  error_rate: { instrument: 'counter', unit: '{error}', calls: ['trackError(endpoint, errorType)', HANDLER] },
  throughput: { instrument: 'counter', unit: '{request}', calls: ['trackThroughput(service)', HANDLER] },
  page_load_time: { instrument: 'histogram', unit: 's', calls: PAGE_LOAD },
  user_interaction: {
    instrument: 'histogram',
    unit: 's',
    calls: ['trackUserInteraction(pageUrl, interactionType, durationMs)'],
  },
  navigation_efficiency: {
    instrument: 'histogram',
    unit: '{click}',
    calls: ['trackNavigation(pageUrl, clickCount, taskCompletion)'],
  },
  task_completion: { instrument: 'counter', unit: '{task}', calls: ['trackTask(task, completed)'] },
  user_satisfaction: {
    instrument: 'histogram',
    unit: '{rating}',
    calls: ['trackSatisfaction(pageUrl, rating)'],
  },
  process_efficiency: {
    instrument: 'histogram',
    unit: '1',
    calls: ['trackProcess(processName, plannedTime, actualTime)'],
  },
  automated_tasks: { instrument: 'counter', unit: '{task}', calls: AUTOMATION },
  total_tasks: { instrument: 'counter', unit: '{task}', calls: AUTOMATION },
  cost: { instrument: 'counter', unit: '{USD}', calls: ['trackCost({ service, feature }, amountUsd)'] },
  business_value: { instrument: 'counter', unit: '{USD}', calls: BUSINESS_VALUE },
  feature_usage: { instrument: 'counter', unit: '{use}', calls: BUSINESS_VALUE },
  active_users: { instrument: 'gauge', unit: '{user}', calls: ADOPTION },
  total_users: { instrument: 'gauge', unit: '{user}', calls: ADOPTION },
  impact_score: { instrument: 'gauge', unit: '{rating}', calls: ['trackImpact(feature, score)'] },
  'browser.web_vital.lcp': { instrument: 'histogram', unit: 's', calls: PAGE_LOAD },
  'browser.web_vital.inp': { instrument: 'histogram', unit: 's', calls: PAGE_LOAD },
  'browser.web_vital.cls': { instrument: 'histogram', unit: '1', calls: PAGE_LOAD },
  'browser.web_vital.fcp': { instrument: 'histogram', unit: 's', calls: PAGE_LOAD },
  'browser.web_vital.ttfb': { instrument: 'histogram', unit: 's', calls: PAGE_LOAD },
};

const SCRAPED = 'through the prometheus receiver of the Collector';
const SPAN_METRICS = 'spanmetrics connector of the OpenTelemetry Collector';

/** What sends a metric by itself: the first whose beginning fits. */
const INSTRUMENTATIONS: readonly (readonly [string, string])[] = [
  ['http.server.request.duration', 'HTTP server instrumentation of OpenTelemetry (stable conventions)'],
  ['http.server.requests', 'Micrometer (Spring Boot and others)'],
  ['http.server.', 'HTTP server instrumentation of OpenTelemetry (conventions before 1.23)'],
  ['http_server_requests_seconds', `Micrometer (Spring Boot and others), ${SCRAPED}`],
  ['http_server_', `HTTP server instrumentation of OpenTelemetry, ${SCRAPED}`],
  ['rpc_server_', `RPC instrumentation of OpenTelemetry, ${SCRAPED}`],
  ['http_requests_total', `client libraries of Prometheus, ${SCRAPED}`],
  ['http_request_duration_seconds', `client libraries of Prometheus, ${SCRAPED}`],
  ['grpc_server_', `gRPC interceptors of Prometheus, ${SCRAPED}`],
  ['traces.span.metrics.', SPAN_METRICS],
  ['calls', `${SPAN_METRICS} before 0.109`],
  ['duration', `${SPAN_METRICS} before 0.109`],
  ['traces_span_metrics_', `${SPAN_METRICS}, ${SCRAPED}`],
  ['traces_spanmetrics_', `metrics generator of Grafana Tempo, ${SCRAPED}`],
  ['calls_total', `${SPAN_METRICS} before 0.109, ${SCRAPED}`],
  ['duration_milliseconds', `${SPAN_METRICS} before 0.109, ${SCRAPED}`],
  ['duration_seconds', `${SPAN_METRICS} before 0.109, ${SCRAPED}`],
  ['istio_', `proxies of Istio, ${SCRAPED}`],
  ['envoy_', `Envoy, ${SCRAPED}`],
  ['traefik_', `Traefik, over OTLP or ${SCRAPED}`],
  ['nginx_ingress_controller_', `ingress-nginx, ${SCRAPED}`],
  ['nginx_', `exporter of NGINX, ${SCRAPED}`],
  ['nginx.', 'nginx receiver of the OpenTelemetry Collector'],
  ['http.client.', 'HTTP client instrumentation of OpenTelemetry'],
  ['rpc.', 'gRPC and other RPC instrumentation of OpenTelemetry'],
  ['db.client.', 'database instrumentation of OpenTelemetry'],
  ['messaging.', 'messaging instrumentation of OpenTelemetry'],
  ['system.cpu.usage', 'Micrometer (Spring Boot and others)'],
  ['system_cpu_usage', `Micrometer (Spring Boot and others), ${SCRAPED}`],
  ['system_cpu_', `host metrics of the OpenTelemetry Collector or of an SDK, ${SCRAPED}`],
  ['jvm_cpu_', `OpenTelemetry Java agent, ${SCRAPED}`],
  ['system.', 'hostmetrics receiver of the OpenTelemetry Collector, or host metrics of an SDK'],
  ['process.', 'runtime or host metrics of an OpenTelemetry SDK'],
  ['jvm.', 'OpenTelemetry Java agent'],
  ['nodejs.', 'Node.js runtime instrumentation of OpenTelemetry'],
  ['v8js.', 'Node.js runtime instrumentation of OpenTelemetry'],
  ['dotnet.', '.NET runtime metrics'],
  ['go.', 'Go runtime instrumentation of OpenTelemetry'],
  ['k8s.', 'kubeletstats and k8s_cluster receivers of the OpenTelemetry Collector'],
  ['container.', 'docker_stats or kubeletstats receiver of the OpenTelemetry Collector'],
  ['httpcheck.', 'httpcheck receiver of the OpenTelemetry Collector'],
  ['node_', `node exporter of Prometheus, ${SCRAPED}`],
  ['probe_', `blackbox exporter of Prometheus, ${SCRAPED}`],
  ['up', 'prometheus receiver of the OpenTelemetry Collector'],
  ['health_check.', 'health checks of ASP.NET Core'],
  ['browser.', 'browser instrumentation of OpenTelemetry'],
  ['documentLoad.', 'document load instrumentation of OpenTelemetry for browsers'],
  ['plumbline.', 'Plumbline itself (docs/self-metrics.md)'],
];

/** Calls of the recorder library that record the metric. */
export function listRecorders(metric: string): readonly string[] {
  return RECORDED_METRICS[metric]?.calls ?? [];
}

/** Undefined where only code of one's own sends it. */
export function findInstrumentation(metric: string): string | undefined {
  const fits = (beginning: string) =>
    /[._]$/.test(beginning) ? metric.startsWith(beginning) : metric === beginning;
  return INSTRUMENTATIONS.find(([beginning]) => fits(beginning))?.[1];
}

/** What an instrument must be for a term to use it: its kind and unit. */
export interface Wanted {
  instrument: string;
  unit: string;
}

const SHAPE_INSTRUMENTS: Readonly<Record<MetricShape, string>> = {
  number: 'counter or gauge',
  histogram: 'histogram',
  exponential_histogram: 'histogram',
  summary: 'summary',
};

/** As the recorder library has it where it has it, else what the term reads best. */
export function describeWanted(kpi: Kpi, { term, unit }: PlacedTerm, metric: string): Wanted {
  const recorded = RECORDED_METRICS[metric];
  if (recorded !== undefined) return { instrument: recorded.instrument, unit: recorded.unit };
  const { shapes } = term.selectors.find((selector) => selector.metric === metric)!;
  // Whatever is named a duration is a histogram of durations.
  const isTimed = /(^|[._])duration$/.test(metric);
  const chosen = shapes.length > 0 ? listShapes(shapes) : isTimed ? 'histogram' : undefined;
  const instrument = {
    amount: chosen?.replace('counter or gauge', 'counter') ?? 'counter or histogram',
    total: chosen?.replace('counter or gauge', 'counter') ?? 'counter or histogram',
    average: chosen?.replace('counter or gauge', 'gauge') ?? 'gauge or histogram',
    last: 'gauge',
  }[term.measure];
  const counted = instrument.startsWith('counter') ? describeCountUnit(kpi) : 'any';
  return { instrument, unit: unit ?? counted };
}

function listShapes(shapes: readonly MetricShape[]): string {
  return [...new Set(shapes.map((shape) => SHAPE_INSTRUMENTS[shape]))].join(' or ');
}

/** Amounts are counted whatever their unit; of a rate it says what is counted. */
function describeCountUnit({ unit }: Kpi): string {
  return /^(\{[^}]*\})\/s$/.exec(unit)?.[1] ?? 'any';
}
