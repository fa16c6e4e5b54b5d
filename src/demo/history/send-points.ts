/**
 * Hands points to a real exporter until the backend has taken them. The exporter waits as long as a busy backend asks
 * for and tries a few times; this tries a few times more. Enters points; leaves when they are acknowledged, or a
 * UserError with what the backend said. Never drops points silently.
 */
import type { PushMetricExporter, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import pRetry from 'p-retry';
import { UserError } from '../../model/errors.js';

/** HTTP 429, 502, 503, 504 and their gRPC relatives. What has no number at all is trouble on the way. */
const BUSY_CODES = new Set<unknown>([429, 502, 503, 504, 1, 4, 8, 10, 11, 14, 15]);
const RETRIES_MAX = 8;
const PAUSE_MS = 1_000;
const PAUSE_MAX_MS = 10_000;

export async function sendPoints(exporter: PushMetricExporter, points: ResourceMetrics): Promise<void> {
  try {
    await pRetry(() => exportOnce(exporter, points), {
      retries: RETRIES_MAX,
      minTimeout: PAUSE_MS,
      maxTimeout: PAUSE_MAX_MS,
      shouldRetry: ({ error }) => isBusy(error),
    });
  } catch (error) {
    throw describeRefusal(error as ExportError);
  }
}

/** What exporters fail with: the code of the protocol, and what the backend said. */
type ExportError = Error & { code?: number | string; data?: string };

function exportOnce(exporter: PushMetricExporter, points: ResourceMetrics): Promise<void> {
  return new Promise((resolve, reject) => {
    exporter.export(points, ({ error }) => (error === undefined ? resolve() : reject(error)));
  });
}

function isBusy({ code }: ExportError): boolean {
  return typeof code !== 'number' || BUSY_CODES.has(code);
}

function describeRefusal(error: ExportError): UserError {
  const said = `${error.code ?? ''} ${error.message} ${readText(error.data)}`.replace(/\s+/g, ' ').trim();
  return isBusy(error)
    ? new UserError(`the backend does not take the history: ${said}; what it took stays, try again later`)
    : new UserError(`the backend refused the history: ${said}; check --endpoint and the credentials`);
}

/** The printable part of an answer, whatever its encoding. */
function readText(data = ''): string {
  return data.replace(/[^\x20-\x7e]+/g, ' ').slice(0, 300);
}
