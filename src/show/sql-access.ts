/**
 * Who may ask at the SQL port. Enters: the head of a request; leaves: a refusal in ClickHouse's form, or the headers that
 * every answer has. It comes before anything of the request is read but its head, and knows no SQL.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { ClickHouseError } from '../model/clickhouse.js';
import { type CredentialProblem, findSqlProblem, type RoleCheck } from './credentials.js';
import { createRequestGuard } from './request-guard.js';
import { findStatus, formatError } from './sql-errors.js';

export interface SqlAccessOptions {
  host: string;
  /** Where set, every request must show a token of one of its roles, as in credentials.ts. */
  roles?: RoleCheck | undefined;
  /** Called where a token is missing or not accepted, with the address that it came from. */
  onUnauthenticated?: (problem: CredentialProblem, peer: string) => void;
  /** Names of this server besides localhost and `host`, see request-guard.ts. */
  allowedHosts?: readonly string[];
  /** Origins whose pages may ask. */
  allowedOrigins?: readonly string[];
}

/** What watchdogs ask: no credential, no name and no origin is looked at. */
const PING = '/ping';
/** An answer is what its Content-Type says, and never a page: what is in it may be anybody's text. */
const HEADERS = new Map([
  ['X-Content-Type-Options', 'nosniff'],
  ['Content-Security-Policy', "default-src 'none'; frame-ancestors 'none'; sandbox"],
]);
const PROBLEMS: Record<CredentialProblem, ClickHouseError> = {
  token_missing: new ClickHouseError(
    194,
    'REQUIRED_PASSWORD',
    'Authentication failed: a token is needed, as the password of any user or as a bearer token; commands of plumbline take it from PLUMBLINE_TOKEN',
  ),
  token_not_accepted: new ClickHouseError(
    516,
    'AUTHENTICATION_FAILED',
    'Authentication failed: this token is none of PLUMBLINE_READ_TOKENS and PLUMBLINE_ADMIN_TOKENS, nor of their files',
  ),
};

/** Returns a function that says whether a request may go on; where it may not, that function has answered it. */
export function createSqlAccess(options: SqlAccessOptions) {
  const { roles, onUnauthenticated, allowedHosts = [], allowedOrigins = [] } = options;
  const guard = createRequestGuard({
    isProtected: roles !== undefined,
    host: options.host,
    allowedHosts,
    allowedOrigins,
    openPaths: [PING],
  });

  function findRefusal(request: IncomingMessage): ClickHouseError | undefined {
    const path = request.url!.split('?', 1)[0]!;
    const refusal = guard.findRefusal(request, path);
    if (refusal !== undefined) return new ClickHouseError(497, 'ACCESS_DENIED', refusal);
    // A browser asks without a credential whether it may send one.
    const isPreflight = request.method === 'OPTIONS' && request.headers.origin !== undefined;
    if (roles === undefined || path === PING || isPreflight) return undefined;
    const problem = findSqlProblem(roles, request);
    if (problem === undefined) return undefined;
    onUnauthenticated?.(problem, request.socket.remoteAddress ?? 'an unknown address');
    return PROBLEMS[problem];
  }

  /** @param version Of ClickHouse, which its error texts end with. */
  return function admit(request: IncomingMessage, response: ServerResponse, version: string): boolean {
    response.setHeaders(HEADERS);
    response.setHeaders(new Map(Object.entries(guard.corsHeaders(request))));
    const refusal = findRefusal(request);
    if (refusal !== undefined) refuse(request, response, refusal, version);
    return refusal === undefined;
  };
}

function refuse(
  request: IncomingMessage,
  response: ServerResponse,
  error: ClickHouseError,
  version: string,
): void {
  const status = findStatus(error);
  const { headers } = request;
  const text = formatError(error, version);
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
  response.writeHead(status, {
    'Content-Type': 'text/plain; charset=UTF-8',
    'Content-Length': Buffer.byteLength(text),
    'X-ClickHouse-Exception-Code': error.code,
    ...(status === 401 && { 'WWW-Authenticate': 'Basic realm="Plumbline SQL"' }),
    // What is left of the request would be taken for the next one.
    ...(hasBody && { Connection: 'close' }),
  });
  response.end(text);
  request.resume();
}
