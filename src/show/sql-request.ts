/**
 * One HTTP request to the SQL port → what to run, as ClickHouse's HTTP interface reads it: URL parameters are the query,
 * reserved words, `param_…`, or settings; the body is the query, its continuation, or the data of an INSERT.
 * It runs nothing and checks no SQL.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { ClickHouseError } from '../model/clickhouse.js';
import type { ExternalTable } from '../model/external-table.js';
import { type BodyLimits, type DecodeWhole, openBody } from './sql-body.js';
import type { FormReader, SqlForm } from './sql-form.js';
import type { SessionRequest } from './sql-sessions.js';

export interface SqlRequest {
  sql: string;
  /** The body holds the data of the INSERT in `sql`, still unread. */
  hasData: boolean;
  database: string | undefined;
  format: string;
  settings: Record<string, string>;
  params: Record<string, string>;
  externalTables: readonly ExternalTable[];
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

export interface RequestLimits {
  queryBytesMax: number;
  decodeWhole: DecodeWhole | undefined;
  forms: FormReader;
}

/** Reads the request, hands it to `use`, and removes its external data whatever happens. */
export async function withSqlRequest(
  request: IncomingMessage,
  limits: RequestLimits,
  use: (wanted: SqlRequest) => Promise<void>,
): Promise<void> {
  const values = new Map(new URL(request.url!, 'http://plumbline').searchParams);
  refuseUnsupported(values);
  const fromUrl = values.get('query') ?? '';
  const hasData = request.method === 'POST' && INSERT.test(fromUrl);
  if (hasData || request.method !== 'POST') return use(buildRequest(request, values, hasData, []));
  const contentType = request.headers['content-type'] ?? '';
  if (!contentType.startsWith('multipart/form-data')) {
    const body = await buffer(openBody(request, limitBody(values, limits, limits.queryBytesMax)));
    addQuery(values, fromUrl, body.toString('utf8'));
    return use(buildRequest(request, values, false, []));
  }
  const form = await readForm(request, values, contentType, limits);
  try {
    // Parts of a form join the URL's parameters, as clients send them where a URL would be too long.
    for (const [name, value] of form.fields) if (name !== 'query') values.set(name, value);
    addQuery(values, fromUrl, form.fields.find(([name]) => name === 'query')?.[1] ?? '');
    await use(buildRequest(request, values, false, takeExternalTables(values, form)));
  } finally {
    await form.discard();
  }
}

function limitBody(
  values: ReadonlyMap<string, string>,
  { decodeWhole }: RequestLimits,
  bytesMax: number,
): BodyLimits {
  return { bytesMax, sendsBlocks: isOn(values.get('decompress')), decodeWhole, tooLarge: queryTooLarge };
}

function readForm(
  request: IncomingMessage,
  values: ReadonlyMap<string, string>,
  contentType: string,
  limits: RequestLimits,
): Promise<SqlForm> {
  const { queryBytesMax: fieldBytesMax, forms } = limits;
  // Some more for the heads of its parts.
  const bytesMax = forms.dataBytesMax + 2 * fieldBytesMax;
  const body = openBody(request, limitBody(values, limits, bytesMax));
  return forms.read(body, contentType, { fieldBytesMax, tooLarge: queryTooLarge });
}

function addQuery(values: Map<string, string>, fromUrl: string, body: string): void {
  values.set('query', fromUrl === '' ? body : `${fromUrl}\n${body}`);
}

/** What describes the tables is no setting. */
function takeExternalTables(values: Map<string, string>, { files }: SqlForm): ExternalTable[] {
  const tables = files.map(({ name, path }) => {
    const of = (what: string) => values.get(`${name}_${what}`) || undefined;
    return {
      name,
      path,
      structure: of('structure'),
      types: of('types'),
      format: of('format') ?? 'TabSeparated',
    };
  });
  for (const { name } of tables) {
    for (const what of ['structure', 'types', 'format']) values.delete(`${name}_${what}`);
  }
  return tables;
}

function buildRequest(
  request: IncomingMessage,
  values: Map<string, string>,
  hasData: boolean,
  externalTables: readonly ExternalTable[],
): SqlRequest {
  const { user, password } = readCredentials(request.headers, values);
  const credential = digestCredential(user, password, request.headers.authorization);
  const entries = [...values];
  const settings = Object.fromEntries(
    entries.filter(([name]) => !RESERVED.has(name) && !name.startsWith('param_')),
  );
  return {
    sql: values.get('query') ?? '',
    hasData,
    externalTables,
    database: values.get('database') || header(request.headers, 'x-clickhouse-database'),
    format: values.get('default_format') || header(request.headers, 'x-clickhouse-format') || 'TabSeparated',
    settings,
    params: Object.fromEntries(
      entries.filter(([name]) => name.startsWith('param_')).map(([name, value]) => [name.slice(6), value]),
    ),
    queryId: values.get('query_id') || undefined,
    protocolVersion: values.get('client_protocol_version'),
    wantsBlocks: isOn(values.get('compress')),
    sendsBlocks: isOn(values.get('decompress')),
    waitsForEnd: isOn(values.get('wait_end_of_query') ?? settings.http_wait_end_of_query),
    bufferBytes: Number(values.get('buffer_size') ?? settings.http_response_buffer_size) || 0,
    session: readSession(values, credential),
    user,
    credential,
  };
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
