/**
 * Where metrics come from: the function of the recorder library that records one, and what else sends it without code of
 * one's own. Enters: the name of a metric; leaves: words, and what to send where nobody does. Used by `plumbline coverage`
 * and docs/integration-points.md.
 */
import { CLIENT_METRICS, type ClientMetric } from '../client/client-metrics.js';
import type { PlacedTerm } from '../kpi/kpi-terms.js';
import type { Kpi, MetricShape } from '../model/kpi.js';

/** The call that records each metric of the recorder library (docs/client.md), shortest first. */
export const RECORDERS: Readonly<Record<keyof typeof CLIENT_METRICS, readonly string[]>> = {
  responseTime: [
    'trackResponseTime(endpoint, startTime)',
    'instrumentHandler(endpoint, handler)',
    'timed(name, fn)',
  ],
  errors: ['trackError(endpoint, errorType)', 'instrumentHandler(endpoint, handler)'],
  throughput: ['trackThroughput(service)', 'instrumentHandler(endpoint, handler)'],
  pageLoadTime: ['trackPageLoad()'],
  userInteraction: ['trackUserInteraction(pageUrl, interactionType, durationMs)'],
  navigationEfficiency: ['trackNavigation(pageUrl, clickCount, taskCompletion)'],
  taskCompletion: ['trackTask(task, completed)'],
  userSatisfaction: ['trackSatisfaction(pageUrl, rating)'],
  processEfficiency: ['trackProcess(processName, plannedTime, actualTime)'],
  automatedTasks: ['trackAutomation(service, automatedTasks, totalTasks)'],
  totalTasks: ['trackAutomation(service, automatedTasks, totalTasks)'],
  cost: ['trackCost({ service, feature }, amountUsd)'],
  businessValue: ['trackBusinessValue(feature, usageCount, costSavingsUsd)'],
  featureUsage: ['trackBusinessValue(feature, usageCount, costSavingsUsd)'],
  activeUsers: ['trackAdoption(feature, activeUsers, totalUsers)'],
  totalUsers: ['trackAdoption(feature, activeUsers, totalUsers)'],
  impactScore: ['trackImpact(feature, score)'],
  largestContentfulPaint: ['trackPageLoad()'],
  interactionToNextPaint: ['trackPageLoad()'],
  cumulativeLayoutShift: ['trackPageLoad()'],
  firstContentfulPaint: ['trackPageLoad()'],
  timeToFirstByte: ['trackPageLoad()'],
};

/** What sends a metric by itself: the first whose beginning fits. */
const INSTRUMENTATIONS: readonly (readonly [string, string])[] = [
  ['http.server.request.duration', 'HTTP server instrumentation of OpenTelemetry (stable conventions)'],
  ['http.server.requests', 'Micrometer (Spring Boot and others)'],
  ['http.server.', 'HTTP server instrumentation of OpenTelemetry (conventions before 1.23)'],
  ['http.client.', 'HTTP client instrumentation of OpenTelemetry'],
  ['rpc.', 'gRPC and other RPC instrumentation of OpenTelemetry'],
  ['db.client.', 'database instrumentation of OpenTelemetry'],
  ['messaging.', 'messaging instrumentation of OpenTelemetry'],
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
  ['node_', 'node exporter of Prometheus, through the prometheus receiver of the Collector'],
  ['probe_', 'blackbox exporter of Prometheus, through the prometheus receiver of the Collector'],
  ['up', 'prometheus receiver of the OpenTelemetry Collector'],
  ['health_check.', 'health checks of ASP.NET Core'],
  ['browser.', 'browser instrumentation of OpenTelemetry'],
  ['documentLoad.', 'document load instrumentation of OpenTelemetry for browsers'],
  ['plumbline.', 'Plumbline itself (docs/self-metrics.md)'],
];

const clientMetrics = Object.entries(CLIENT_METRICS as Record<string, ClientMetric>);

export function findClientMetric(metric: string): ClientMetric | undefined {
  return clientMetrics.find(([, { name }]) => name === metric)?.[1];
}

/** Calls of the recorder library that record the metric. */
export function listRecorders(metric: string): readonly string[] {
  const key = clientMetrics.find(([, { name }]) => name === metric)?.[0];
  return key === undefined ? [] : RECORDERS[key as keyof typeof CLIENT_METRICS];
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
  const client = findClientMetric(metric);
  if (client !== undefined) return { instrument: client.instrument, unit: client.unit };
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
