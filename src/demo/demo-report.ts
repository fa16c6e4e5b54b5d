/**
 * What a run of the demo did, as plain JSON and as one line for people. Enters counts; leaves text. Only what really
 * happened: nothing here is estimated.
 */

import { ownCommand } from '../model/own-command.js';
import type { ExportTally, ExportTarget } from './exporters.js';
import type { MetricTruth } from './ground-truth.js';
import type { HistoryReport } from './history/run-history.js';

export interface RequestCounts {
  /** Requests of visitors that were sent. */
  sent: number;
  answered: number;
  /** Sent, but no answer came. */
  unanswered: number;
  /** Answered with 5xx. */
  errors: number;
  /** Answered, but after more than a second. */
  slow: number;
  /** Calls of the shop to the payment provider. */
  paymentCalls: number;
  /** Health checks of the shop (the http instrumentation counts them as requests). */
  healthChecks: number;
  /** Answers by endpoint and status code. */
  byEndpoint: Record<string, Record<string, number>>;
}

export interface LiveReport {
  startedUnixMs: number;
  stoppedUnixMs: number;
  durationMs: number;
  requests: RequestCounts;
  exports: ExportTally;
  metrics: Record<string, MetricTruth>;
}

export function createRequestCounts(): RequestCounts {
  return {
    sent: 0,
    answered: 0,
    unanswered: 0,
    errors: 0,
    slow: 0,
    paymentCalls: 0,
    healthChecks: 0,
    byEndpoint: {},
  };
}

export interface LiveStart {
  shopPort: number;
  ratePerSecond: number;
  target: ExportTarget;
  /** Time between exports, as text. */
  every: string;
  /** How it ends, as text. */
  end: string;
}

export function describeLiveStart({ shopPort, ratePerSecond, target, every, end }: LiveStart): string {
  return `
A small web shop is open, with visitors, errors and slow spells.

  Shop      http://127.0.0.1:${shopPort}   about ${ratePerSecond} requests/s, as the hour of the day goes
  Metrics   ${target.endpoint}   ${target.protocol}, ${target.temporality}, every ${every}
  Ends      ${end}

Ask in another shell, a few seconds from now${describeSqlAddress(target)}:
  ${sqlCommand(target)} "SELECT category, count() FROM performance_metrics GROUP BY category"
  ${sqlCommand(target)} "SELECT metric_name, JSONExtractString(metadata, 'feature') AS feature,
    round(argMax(metric_value, timestamp), 2) AS newest, unit FROM performance_metrics
    WHERE category = 'Business Impact' GROUP BY ALL ORDER BY ALL"
`;
}

/** Where Plumbline listens on the ports of its own, SQL is at its own port too; else only Plumbline knows where it is. */
function sqlCommand({ endpoint }: ExportTarget): string {
  const { hostname, port } = new URL(endpoint);
  const isDefault = ['127.0.0.1', 'localhost', '[::1]'].includes(hostname) && ['4317', '4318'].includes(port);
  return `${ownCommand()} sql${isDefault ? '' : ' --url SQL_ADDRESS'}`;
}

function describeSqlAddress(target: ExportTarget): string {
  return sqlCommand(target).endsWith('SQL_ADDRESS') ? ' (SQL_ADDRESS: what Plumbline printed as SQL)' : '';
}

export function describeLiveReport(report: LiveReport): string {
  const { requests, exports, durationMs } = report;
  const seconds = durationMs / 1000;
  const rate = seconds === 0 ? 0 : requests.sent / seconds;
  const done = [
    `${count(requests.sent, 'request')} in ${seconds.toFixed(1)} s (${rate.toFixed(1)}/s)`,
    `${count(requests.errors, 'error')}, ${requests.slow} slower than 1 s`,
    `${count(report.metrics.task_completion?.sum ?? 0, 'task')} of visitors`,
  ];
  if (requests.unanswered > 0) done.push(`${requests.unanswered} unanswered`);
  return `Stopped. ${done.join(', ')}. ${describeExports(exports)}`;
}

export function describeLiveStatus(elapsedMs: number, requests: RequestCounts, exports: ExportTally): string {
  const elapsed = `${Math.round(elapsedMs / 1000)} s`.padStart(7);
  const did = `${count(requests.sent, 'request')}, ${count(requests.errors, 'error')}, ${requests.slow} slow`;
  return `${elapsed}: ${did}; ${describeExports(exports)}`;
}

export function describeHistoryReport(report: HistoryReport, target: ExportTarget): string {
  const from = new Date(report.fromUnixMs).toISOString();
  const to = new Date(report.toUnixMs).toISOString();
  const seconds = (report.durationMs / 1000).toFixed(1);
  const parts = [
    `${count(report.points, 'point')} of ${report.series} series in ${seconds} s`,
    ...(report.rejectedPoints > 0
      ? [`${count(report.rejectedPoints, 'point')} rejected by the backend`]
      : []),
  ];
  return `History${report.isPartial ? ', stopped early,' : ''} from ${from} to ${to}: ${parts.join(', ')}.

See it, as soon as Plumbline has stored it all${describeSqlAddress(target)}:
  ${sqlCommand(target)} "SELECT toDate(timestamp) AS day, category, count() FROM performance_metrics GROUP BY ALL ORDER BY ALL"
`;
}

function describeExports(exports: ExportTally): string {
  const parts = [`${count(exports.points, 'point')} sent in ${count(exports.succeeded, 'export')}`];
  if (exports.failed > 0) parts.push(`${count(exports.failed, 'export')} failed`);
  if (exports.rejectedPoints > 0)
    parts.push(`${count(exports.rejectedPoints, 'point')} rejected by the backend`);
  return `${parts.join(', ')}.`;
}

export function count(number: number, noun: string): string {
  return `${number.toLocaleString('en-US')} ${noun}${number === 1 ? '' : 's'}`;
}
