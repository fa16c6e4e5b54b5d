/**
 * ClickHouse as a server of its own, over HTTP: SQL and Native blocks in, rows and bytes out. Connections are opened
 * when first needed, so that this process can start before the server does. What cannot be reached is code 0, NETWORK.
 * It never retries: its callers know what may be repeated.
 */
import { Readable } from 'node:stream';
import { ClickHouseLogLevel, ClickHouseError as ClientError, createClient } from '@clickhouse/client';
import { type CallOptions, type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { createExceptionTail } from './http-exception-tail.js';
import { buildNativeInsert } from './native-insert.js';
import { formatParams } from './query-params.js';

export interface HttpOptions {
  url: string;
  username: string;
  password: string;
  database: string;
  /** Longest wait for the next byte of an answer. */
  requestTimeoutMs: number;
  /** Connections to the server at once; further calls wait. */
  connectionsMax?: number;
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

  /** Errors of the client → errors of the model; an abort stays what the signal says. */
  async function call<T>(signal: AbortSignal | undefined, start: () => Promise<T>): Promise<T> {
    try {
      signal?.throwIfAborted();
      return await start();
    } catch (error) {
      throw signal?.aborted ? signal.reason : toModelError(error, options.url);
    }
  }

  return {
    kind: 'http',
    database: options.database,
    async command(sql, options = {}) {
      const target = /^\s*CREATE\s+DATABASE\b/i.test(sql) ? clientWithoutDatabase : client;
      await call(options.signal, () => target.command({ query: sql, ...buildCall(options) }));
    },
    async query<Row extends object>(sql: string, options: CallOptions = {}) {
      const settings = { ...options.settings, output_format_json_quote_64bit_integers: 1 };
      return call(options.signal, async () => {
        const query = {
          query: sql,
          format: 'JSONEachRow',
          ...buildCall({ ...options, settings }),
        } as const;
        return (await client.query(query)).json<Row>();
      });
    },
    async *stream(sql, format, options = {}) {
      const { signal } = options;
      const settings = { ...options.settings, default_format: format };
      const { stream, response_headers } = await call(signal, () =>
        client.exec({ query: sql, ...buildCall({ ...options, settings }) }),
      );
      const tail = createExceptionTail(response_headers['x-clickhouse-exception-tag']);
      const chunks = stream[Symbol.asyncIterator]();
      try {
        for (;;) {
          const step = await call(signal, () => chunks.next()).catch((error) => {
            throw tail.findError() ?? error;
          });
          if (step.done) break;
          tail.push(step.value);
          yield step.value;
        }
        const error = tail.findError();
        if (error) throw error;
      } finally {
        stream.destroy();
      }
    },
    async insertNative(table, blocks, insert) {
      const values = blocks.filter((block) => block.length > 0);
      if (values.length === 0) return;
      const { sql, settings } = buildNativeInsert(table, insert, '');
      await call(undefined, async () => {
        const body = Readable.from(values, { objectMode: false });
        const { stream } = await client.exec({ query: sql, values: body, ...buildCall({ settings }) });
        await stream.resume().toArray();
      });
    },
    async ping() {
      await call(undefined, async () => {
        const result = await client.ping({ select: true });
        if (!result.success) throw result.error;
      });
    },
    async close() {
      await Promise.all([client.close(), clientWithoutDatabase.close()]);
    },
  };
}

/** Parameters go as plain URL parameters, so that our own formatting holds for both drivers. */
function buildCall({ params = {}, settings, signal }: CallOptions) {
  const named = Object.entries(formatParams(params)).map(([name, text]) => [`param_${name}`, text]);
  return {
    clickhouse_settings: { ...settings, ...Object.fromEntries(named) },
    ...(signal && { abort_signal: signal }),
  };
}

function toModelError(error: unknown, url: string): Error {
  // A TypeError is a mistake of ours (a parameter that is no value): no server was asked, no retry can help.
  if (error instanceof ClickHouseError || error instanceof TypeError) return error;
  if (error instanceof ClientError) {
    const message = error.message.trim().replace(/\.$/, '');
    return new ClickHouseError(Number(error.code), error.type ?? 'UNKNOWN', message, { cause: error });
  }
  const { code, message } = error as NodeJS.ErrnoException;
  const { host } = new URL(url);
  const reason = `ClickHouse at ${host} did not answer: ${message || code}`;
  return new ClickHouseError(0, 'NETWORK', reason, { cause: error });
}
