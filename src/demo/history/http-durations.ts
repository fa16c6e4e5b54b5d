/**
 * The two histograms of the http instrumentation, as that package records them: same names, units, bounds, scope and
 * attributes. Enters a book; leaves series to observe durations in seconds.
 */
import { createRequire } from 'node:module';
import type { Route } from '../shop-model.js';
import type { HistoryBook, HistoryMetric } from './book.js';
import type { HistogramSeries } from './series.js';

export const HTTP_BOUNDS_S: readonly number[] = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
];
const PACKAGE = '@opentelemetry/instrumentation-http';

const SERVER_DURATION: HistoryMetric = define(
  'http.server.request.duration',
  'Duration of HTTP server requests.',
);
const CLIENT_DURATION: HistoryMetric = define(
  'http.client.request.duration',
  'Duration of HTTP client requests.',
);

export function openServerDuration(
  book: HistoryBook,
  route: Pick<Route, 'method' | 'endpoint'>,
  statusCode: number,
): HistogramSeries {
  return book.histogram(SERVER_DURATION, {
    'http.request.method': route.method,
    'url.scheme': 'http',
    'network.protocol.version': '1.1',
    'http.route': route.endpoint,
    ...describeStatus(statusCode, 500),
  });
}

export function openClientDuration(book: HistoryBook, statusCode: number): HistogramSeries {
  return book.histogram(CLIENT_DURATION, {
    'http.request.method': 'POST',
    'server.address': '127.0.0.1',
    'server.port': 8443,
    'network.protocol.version': '1.1',
    ...describeStatus(statusCode, 400),
  });
}

function describeStatus(statusCode: number, errorMin: number): Record<string, string | number> {
  const status = { 'http.response.status_code': statusCode };
  return statusCode >= errorMin ? { ...status, 'error.type': String(statusCode) } : status;
}

function define(name: string, description: string): HistoryMetric {
  const { version } = createRequire(import.meta.url)(`${PACKAGE}/package.json`) as { version: string };
  return {
    name,
    description,
    unit: 's',
    instrument: 'histogram',
    isInteger: false,
    bounds: HTTP_BOUNDS_S,
    program: 'storefront',
    component: PACKAGE,
    componentVersion: version,
  };
}
