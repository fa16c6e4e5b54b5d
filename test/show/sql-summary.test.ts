/** What the SQL port says about a statement beside its answer: X-ClickHouse-Summary and X-ClickHouse-Progress. */
import { once } from 'node:events';
import { type IncomingMessage, request as openRequest } from 'node:http';
import { finished } from 'node:stream/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

let fixture: SqlFixture;
let port: SqlPort;

beforeAll(async () => {
  fixture = await openSqlFixture();
  port = await fixture.openPort();
});
afterAll(() => fixture.close());

describe('X-ClickHouse-Summary', () => {
  test('is at the head, and for an answer of unknown length at its end too', async () => {
    const head = (await port.ask('SELECT 1', { url: { wait_end_of_query: '1' } })).headers;
    expect(Number(JSON.parse(head.get('x-clickhouse-summary')!).elapsed_ns)).toBeGreaterThan(100_000);
    const response = await askToEnd('SELECT 1');
    const summaries = [response.headers, response.trailers].map(
      (all) => all['x-clickhouse-summary'] as string,
    );
    const [first, last] = summaries.map((text) => Number(JSON.parse(text).elapsed_ns));
    expect(last!).toBeGreaterThanOrEqual(first!);
  });

  test('comes as progress where send_progress_in_http_headers asks for it', async () => {
    const url = { send_progress_in_http_headers: '1' };
    const head = (await port.ask('SELECT 1', { url })).headers.get('x-clickhouse-progress')!;
    expect(Number(JSON.parse(head).elapsed_ns)).toBeGreaterThan(100_000);
    expect((await port.ask('SELECT 1')).headers.has('x-clickhouse-progress')).toBe(false);
  });

  const READS = 'SELECT intDiv(number, 100) AS n FROM numbers(1000) GROUP BY n';
  const whole = { url: { wait_end_of_query: '1' } };

  test('tells rows and bytes of a small answer, and what was read where its format has that', async () => {
    const tsv = readSummary((await port.ask(READS, whole)).headers);
    const nothingWritten = { written_rows: '0', written_bytes: '0' };
    expect(tsv).toEqual({ result_rows: '10', result_bytes: '80', elapsed_ns: DIGITS, ...nothingWritten });
    for (const format of ['JSON', 'JSONCompact', 'JSONColumnsWithMetadata']) {
      const json = readSummary((await port.ask(`${READS} LIMIT 3 FORMAT ${format}`, whole)).headers);
      expect(json).toMatchObject({ read_rows: '1000', read_bytes: '8000', result_rows: '3' });
    }
    const without = { url: { ...whole.url, output_format_write_statistics: '0' } };
    expect(readSummary((await port.ask(`${READS} FORMAT JSON`, without)).headers)).toEqual({
      ...tsv,
      elapsed_ns: DIGITS,
    });
  });

  test('takes no text in an answer for what the engine says', async () => {
    const text = '"rows": 1, "statistics": { "elapsed": 1, "rows_read": 7, "bytes_read": 7 } }';
    for (const format of ['JSON', 'TSVRaw', 'RawBLOB']) {
      const { headers } = await port.ask(`SELECT '${text}}' FORMAT ${format}`, whole);
      expect(readSummary(headers).read_rows).toBe(format === 'JSON' ? '1' : undefined);
    }
  });

  test('tells of a large answer what it is and how far it was read', async () => {
    const large = 'SELECT number, toString(number) AS s FROM numbers(3000000)';
    for (const format of ['TSV', 'TSVWithNames', 'Native']) {
      const { headers, trailers } = await askToEnd(`${large} FORMAT ${format}`);
      const last = JSON.parse(trailers['x-clickhouse-summary'] as string);
      expect(last).toMatchObject({ result_rows: '3000000', written_rows: '0', memory_usage: DIGITS });
      expect(Number(last.read_rows)).toBeGreaterThan(10_000);
      expect(Number(last.read_bytes)).toBe(Number(last.read_rows) * 8);
      expect(last.total_rows_to_read).toBe('3000000');
      const first = JSON.parse(headers['x-clickhouse-summary'] as string);
      expect(Number(first.result_rows)).toBeLessThan(3_000_000);
    }
    const document = readSummary((await port.ask(`${large} FORMAT JSONCompact`)).headers);
    expect(document).toMatchObject({ read_rows: '3000000', read_bytes: '24000000', result_rows: '3000000' });
  });
});

const DIGITS = expect.stringMatching(/^\d+$/);

function readSummary(headers: Headers): Record<string, string> {
  return JSON.parse(headers.get('x-clickhouse-summary')!);
}

/** fetch shows no trailers. */
async function askToEnd(sql: string): Promise<IncomingMessage> {
  const path = `/?${new URLSearchParams({ query: sql })}`;
  const request = openRequest({ host: '127.0.0.1', port: port.port, path, agent: false });
  const [response] = (await once(request.end(), 'response')) as [IncomingMessage];
  await finished(response.resume());
  return response;
}
