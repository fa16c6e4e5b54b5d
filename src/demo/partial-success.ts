/**
 * Hears what the exporters only log: a backend that took an export but rejected points of it. Enters diagnostics of the
 * OpenTelemetry API; leaves calls with the number of points and the backend's words. One watch per process at a time.
 */
import { type DiagLogger, DiagLogLevel, diag } from '@opentelemetry/api';

export function watchPartialSuccess(onRejected: (points: number, message: string) => void): () => void {
  const ignore = (): void => {};
  const logger: DiagLogger = {
    error: ignore,
    info: ignore,
    debug: ignore,
    verbose: ignore,
    warn(message, ...details) {
      if (!message.startsWith('Received Partial Success')) return;
      const answer = parseAnswer(details[0]);
      onRejected(Number(answer.rejectedDataPoints ?? 0), String(answer.errorMessage ?? ''));
    },
  };
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true });
  return () => diag.disable();
}

function parseAnswer(detail: unknown): { rejectedDataPoints?: number | string; errorMessage?: string } {
  try {
    return JSON.parse(String(detail));
  } catch {
    return {};
  }
}
