/**
 * ClickHouse as a server of its own, over HTTP: SQL and Native blocks in, rows and bytes out. Connections are opened
 * when first needed, so that this process can start before the server does. What cannot be reached is code 0, NETWORK.
 * It never retries: its callers know what may be repeated.
 */
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { type CallOptions, type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { parseClickHouseError } from './clickhouse-errors.js';
import { joinCluster } from './cluster-driver.js';
import { createExceptionTail } from './http-exception-tail.js';
import { buildNativeInsert } from './native-insert.js';
import { formatParams } from './query-params.js';
import { parseRows } from './query-rows.js';

export interface HttpOptions {
  url: string;
  username: string;
  password: string;
  database: string;
  /** Longest wait for the next byte of an answer. */
  requestTimeoutMs: number;
  /** Connections to the server at once; further calls wait. */
  connectionsMax?: number;
  /** Cluster over which the tables are spread; '' or none: this server has them all. */
  cluster?: string;
}

export async function connectClickHouse(options: HttpOptions): Promise<ClickHouse> {
  const shared = {
    url: options.url,
    username: options.username,
    password: options.password,
    request_timeout: options.requestTimeoutMs,
    max_open_connections: options.connectionsMax ?? 10,
    log: { level: ClickHouseLogLevel.OFF },
  };
  const client = createClient({ ...shared, database: options.database });
  // The server refuses every statement that names a database it does not have, also the one that creates it.
  const clientWithoutDatabase = createClient(shared);

  /** The answer to one statement, chunk by chunk. Everything the driver does goes through here. */
  async function* ask(sql: string, call: CallOptions, data?: Readable): AsyncGenerator<Uint8Array> {
    const target = /^\s*CREATE\s+DATABASE\b/i.test(sql) ? clientWithoutDatabase : client;
    const query = { query: sql, ...buildCall(call), ...(data && { values: data }) };
    let tail: ReturnType<typeof createExceptionTail> | undefined;
    try {
      call.signal?.throwIfAborted();
      // The client's own reading of error texts loses parts of them.
      const answer = await target.exec({ ...query, ignore_error_response: true });
      if (answer.http_status_code !== 200) throw await readError(answer.stream, answer.http_status_code);
      tail = createExceptionTail(answer.response_headers['x-clickhouse-exception-tag']);
      for await (const chunk of answer.stream) {
        tail.push(chunk);
        yield chunk;
      }
    } catch (error) {
      if (call.signal?.aborted) throw call.signal.reason;
      throw tail?.findError() ?? toModelError(error, options.url);
    }
    const error = tail.findError();
    if (error) throw error;
  }

  async function finish(sql: string, call: CallOptions, data?: Readable): Promise<Buffer> {
    return buffer(ask(sql, call, data));
  }

  const server: ClickHouse = {
    kind: 'http',
    database: options.database,
    async command(sql, call = {}) {
      await finish(sql, call);
    },
    async query<Row extends object>(sql: string, call: CallOptions = {}) {
      const settings = { output_format_json_quote_64bit_integers: 1, default_format: 'JSONEachRow' };
      return parseRows<Row>(await finish(sql, { ...call, settings: { ...call.settings, ...settings } }));
    },
    stream: (sql, format, call = {}) =>
      ask(sql, { ...call, settings: { ...call.settings, default_format: format } }),
    async insertNative(table, blocks, insert) {
      const values = blocks.filter((block) => block.length > 0);
      if (values.length === 0) return;
      const { sql, settings } = buildNativeInsert(table, insert, '');
      await finish(sql, { settings }, Readable.from(values, { objectMode: false }));
    },
    async ping() {
      await finish('SELECT 1', {});
    },
    async close() {
      await Promise.all([client.close(), clientWithoutDatabase.close()]);
    },
  };
  return options.cluster ? joinCluster(server, options.cluster) : server;
}

/** Parameters go as plain URL parameters, so that our own formatting holds for both drivers. */
function buildCall({ params = {}, settings, signal }: CallOptions) {
  const named = Object.entries(formatParams(params)).map(([name, value]) => [`param_${name}`, value]);
  return {
    clickhouse_settings: { ...settings, ...Object.fromEntries(named) },
    ...(signal && { abort_signal: signal }),
  };
}

async function readError(body: Readable, status: number | undefined): Promise<Error> {
  const message = await text(body);
  if (/^Code: \d+/.test(message)) return parseClickHouseError(message);
  return new Error(`it answered ${status}: ${message.trim().slice(0, 200)}`);
}

function toModelError(error: unknown, url: string): Error {
  // A TypeError is a mistake of ours (a parameter that is no value): no server was asked, no retry can help.
  if (error instanceof ClickHouseError || error instanceof TypeError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const { host } = new URL(url);
  const reason = `ClickHouse at ${host} did not answer: ${message || code}`;
  return new ClickHouseError(0, 'NETWORK', reason, { cause: error });
}
