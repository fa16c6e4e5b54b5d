/**
 * One HTTP request to the SQL port → what to run, as ClickHouse's HTTP interface reads it: URL parameters are the query,
 * reserved words, `param_…`, or settings; the body is the query, its continuation, or the data of an INSERT.
 * It runs nothing and checks no SQL.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { ClickHouseError } from '../model/clickhouse.js';
import { type BodyLimits, type DecodeWhole, openBody } from './sql-body.js';
import type { SessionRequest } from './sql-sessions.js';

export interface SqlRequest {
  sql: string;
  /** The body holds the data of the INSERT in `sql`, still unread. */
  hasData: boolean;
  database: string | undefined;
  format: string;
  settings: Record<string, string>;
  params: Record<string, string>;
  queryId: string | undefined;
  protocolVersion: string | undefined;
  /** The answer, or the body, is in ClickHouse's own compressed blocks. */
  wantsBlocks: boolean;
  sendsBlocks: boolean;
  /** `wait_end_of_query`: nothing is sent before the answer is complete. */
  waitsForEnd: boolean;
  /** `buffer_size`: so much of the answer is read before anything is sent, bytes. */
  bufferBytes: number;
  session: SessionRequest | undefined;
  user: string;
  /** Equal for requests of the same user and password or token, and tells none of them. */
  credential: string;
}

/** URL parameters that are no settings. */
const RESERVED = new Set([
  ...[
    'query',
    'database',
    'default_format',
    'user',
    'password',
    'quota_key',
    'query_id',
    'stacktrace',
    'role',
  ],
  ...['compress', 'decompress', 'buffer_size', 'wait_end_of_query', 'client_protocol_version'],
  ...['session_id', 'session_timeout', 'session_check', 'close_session'],
]);

const INSERT = /^(?:\s|--[^\n]*\n|#!?[^\n]*\n|\/\*[\s\S]*?\*\/)*INSERT\b/i;

export async function readSqlRequest(
  request: IncomingMessage,
  queryBytesMax: number,
  decodeWhole?: DecodeWhole,
): Promise<SqlRequest> {
  const values = new Map(new URL(request.url!, 'http://plumbline').searchParams);
  refuseUnsupported(values);
  const fromUrl = values.get('query') ?? '';
  const sendsBlocks = isOn(values.get('decompress'));
  const hasData = request.method === 'POST' && INSERT.test(fromUrl);
  if (!hasData && request.method === 'POST') {
    const body = await readText(
      request,
      { bytesMax: queryBytesMax, sendsBlocks, decodeWhole, tooLarge: queryTooLarge },
      values,
    );
    values.set('query', fromUrl === '' ? body : `${fromUrl}\n${body}`);
  }
  const { user, password } = readCredentials(request.headers, values);
  const credential = digestCredential(user, password, request.headers.authorization);
  const entries = [...values];
  const settings = Object.fromEntries(
    entries.filter(([name]) => !RESERVED.has(name) && !name.startsWith('param_')),
  );
  return {
    sql: values.get('query') ?? '',
    hasData,
    database: values.get('database') || header(request.headers, 'x-clickhouse-database'),
    format: values.get('default_format') || header(request.headers, 'x-clickhouse-format') || 'TabSeparated',
    settings,
    params: Object.fromEntries(
      entries.filter(([name]) => name.startsWith('param_')).map(([name, value]) => [name.slice(6), value]),
    ),
    queryId: values.get('query_id') || undefined,
    protocolVersion: values.get('client_protocol_version'),
    wantsBlocks: isOn(values.get('compress')),
    sendsBlocks,
    waitsForEnd: isOn(values.get('wait_end_of_query') ?? settings.http_wait_end_of_query),
    bufferBytes: Number(values.get('buffer_size') ?? settings.http_response_buffer_size) || 0,
    session: readSession(values, credential),
    user,
    credential,
  };
}

/** The body as text; parts of a form join the URL's parameters, as clients send them where a URL would be too long. */
async function readText(
  request: IncomingMessage,
  limits: BodyLimits,
  values: Map<string, string>,
): Promise<string> {
  const body = await buffer(openBody(request, limits));
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) return body.toString('utf8');
  const form = await new Response(body, { headers: { 'content-type': contentType } }).formData();
  for (const [name, value] of form) {
    if (typeof value !== 'string')
      throw new ClickHouseError(48, 'NOT_IMPLEMENTED', 'External tables are not supported');
    if (name !== 'query') values.set(name, value);
  }
  return String(form.get('query') ?? '');
}

function queryTooLarge(bytesMax: number): ClickHouseError {
  const message = `The query is longer than ${bytesMax} bytes (sqlQueryBytesMax)`;
  return new ClickHouseError(229, 'QUERY_IS_TOO_LARGE', message);
}

/** A bearer token is part of it too; HTTP Basic is in user and password already. */
function digestCredential(user: string, password: string, authorization: string | undefined): string {
  const bearer = /^bearer /i.test(authorization ?? '') ? authorization : '';
  return createHash('sha256').update([user, password, bearer].join('\0')).digest('hex');
}

function readSession(values: Map<string, string>, credential: string): SessionRequest | undefined {
  const id = values.get('session_id');
  if (!id) return undefined;
  const timeout = values.get('session_timeout');
  const mustExist = isOn(values.get('session_check'));
  return { id, credential, timeout, mustExist, closes: isOn(values.get('close_session')) };
}

/** As ClickHouse reads a boolean of a URL. */
export function isOn(value: string | undefined): boolean {
  return !['', '0', 'false', undefined].includes(value);
}

function refuseUnsupported(values: Map<string, string>): void {
  if (values.has('role')) {
    throw new ClickHouseError(
      512,
      'SET_NON_GRANTED_ROLE',
      `Role ${values.get('role')} should be granted to set as a current`,
    );
  }
}

/** ClickHouse takes them from its own headers, from HTTP Basic, or from the URL. */
export function readCredentials(headers: IncomingHttpHeaders, values: Map<string, string>) {
  const basic = /^Basic (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (basic === undefined) {
    return {
      user: header(headers, 'x-clickhouse-user') ?? values.get('user') ?? 'default',
      password: header(headers, 'x-clickhouse-key') ?? values.get('password') ?? '',
    };
  }
  const text = Buffer.from(basic, 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon === -1
    ? { user: text, password: '' }
    : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Clients write UTF-8; Node hands headers on as if each byte were a character. */
function header(headers: IncomingHttpHeaders, name: string): string | undefined {
  const value = headers[name];
  const text = (Array.isArray(value) ? value[0] : value) || undefined;
  return text && Buffer.from(text, 'latin1').toString('utf8');
}
