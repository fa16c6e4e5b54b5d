/**
 * Looks whether anything listens at an address before the demo begins. Enters a URL; leaves quietly, or throws a
 * UserError that says how to start Plumbline. Sends nothing. Also reads the headers that OTLP exporters take from the
 * environment, for requests that no exporter sends.
 */
import { connect } from 'node:net';
import { UserError } from '../model/errors.js';

const CONNECT_MAX_MS = 3_000;

export async function checkReachable(endpoint: string): Promise<void> {
  const url = new URL(endpoint);
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const problem = await findProblem(host, port);
  if (problem === undefined) return;
  throw new UserError(
    `nothing listens on ${endpoint} (${problem}); start Plumbline first with npm start, or name its address with --endpoint`,
  );
}

function findProblem(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: CONNECT_MAX_MS });
    const end = (problem?: string): void => {
      socket.destroy();
      resolve(problem);
    };
    socket.on('connect', () => end());
    socket.on('timeout', () => end(`no answer within ${CONNECT_MAX_MS / 1000} s`));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code ?? error.message));
  });
}

/** `key=value,key=value` with percent-encoded values, as OTEL_EXPORTER_OTLP_HEADERS has them. */
export function parseHeaders(text: string | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const pair of (text ?? '').split(',')) {
    const [key, ...value] = pair.split('=');
    if (key === undefined || key.trim() === '' || value.length === 0) continue;
    headers[key.trim().toLowerCase()] = decodeURIComponent(value.join('=').trim());
  }
  return headers;
}
