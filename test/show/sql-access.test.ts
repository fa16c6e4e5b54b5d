/** Who gets an answer from the SQL port, over real sockets in front of the real engine: tokens, other sites, slow heads. */
import { once } from 'node:events';
import { type IncomingHttpHeaders, request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createRoleCheck } from '../../src/show/credentials.js';
import { openSqlFixture, type SqlFixture, type SqlPort } from './sql-fixture.js';

const fixed = (...tokens: string[]) => ({ current: () => tokens, onChange: () => {} });
const refused: string[] = [];
let fixture: SqlFixture;
let guarded: SqlPort;
let open: SqlPort;
beforeAll(async () => {
  fixture = await openSqlFixture();
  guarded = await fixture.openPort({
    roles: createRoleCheck({ read: fixed('reader', 'second'), admin: fixed('boss') }),
    onUnauthenticated: (problem, peer) => refused.push(`${problem} ${peer}`),
  });
  open = await fixture.openPort({ allowedHosts: ['plumbline'], allowedOrigins: ['https://board.example'] });
});
afterAll(() => fixture.close());

async function ask(
  port: SqlPort,
  headers: Record<string, string>,
  path = '/?query=SELECT+7',
  method = 'GET',
  body = '',
) {
  const sent = request({ host: '127.0.0.1', port: port.port, path, method, headers, agent: false });
  sent.end(body);
  const [response] = await once(sent, 'response');
  const { statusCode: status, headers: got } = response as {
    statusCode: number;
    headers: IncomingHttpHeaders;
  };
  return { status, headers: got, code: got['x-clickhouse-exception-code'], text: await readText(response) };
}
const basic = (user: string, password: string) => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
});

describe('a SQL port with tokens', () => {
  it('takes a token wherever a client of ClickHouse puts a password, and as a bearer token', async () => {
    for (const token of ['reader', 'second', 'boss']) {
      const ways: [Record<string, string>, string?][] = [
        [{ authorization: `Bearer ${token}` }],
        [basic('default', token)],
        [basic('anybody', token)],
        [{ 'x-clickhouse-user': 'u', 'x-clickhouse-key': token }],
        [{}, `/?user=u&password=${token}&query=SELECT+7`],
      ];
      for (const [headers, path] of ways) expect((await ask(guarded, headers, path)).text).toBe('7\n');
    }
  });

  it('refuses everything else before it is read, in the form that clients know', async () => {
    const none = await ask(guarded, {});
    expect([none.status, none.code, none.headers['www-authenticate']]).toEqual([
      401,
      '194',
      expect.stringMatching(/^Basic/),
    ]);
    expect(none.text).toMatch(
      /^Code: 194\. DB::Exception: .*PLUMBLINE_TOKEN.*\(REQUIRED_PASSWORD\) \(version [\d.]+\)\n$/,
    );
    const wrong: [Record<string, string>, string?][] = [
      [{ authorization: 'Bearer guess' }],
      [{ authorization: 'Bearer reader2' }],
      [basic('reader', 'guess')],
      [{ 'x-clickhouse-user': 'reader', 'x-clickhouse-key': 'guess' }],
      [{}, '/?user=reader&password=guess&query=SELECT+7'],
      // The first one counts.
      [basic('u', 'guess'), '/?password=reader&query=SELECT+7'],
    ];
    for (const [headers, path] of wrong) {
      const answer = await ask(guarded, headers, path);
      expect([answer.status, answer.code]).toEqual([403, '516']);
      expect(answer.text).not.toContain('guess');
    }
    expect(new Set(refused)).toEqual(new Set(['token_missing 127.0.0.1', 'token_not_accepted 127.0.0.1']));
    for (const path of ['/', '/replicas_status', '/play', '//', '/?query=%'])
      expect((await ask(guarded, {}, path)).status).toBe(401);
    const large = await ask(guarded, {}, '/', 'POST', 'x'.repeat(1_000_000));
    expect([large.status, large.headers.connection]).toEqual([401, 'close']);
  });

  it('answers /ping to everybody', async () => {
    const worst = { host: 'evil.example', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    expect((await ask(guarded, worst, '/ping')).text).toBe('Ok.\n');
    expect((await ask(open, worst, '/ping')).text).toBe('Ok.\n');
  });

  it('takes any name, and no page of another site, whatever token comes with it', async () => {
    const token = basic('u', 'reader');
    expect((await ask(guarded, { ...token, host: 'sql.example' })).status).toBe(200);
    expect((await ask(guarded, { ...token, origin: 'https://evil.example' })).status).toBe(403);
    expect((await ask(guarded, { ...token, 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  });

  it("works with ClickHouse's own client, by password and by access token", async () => {
    for (const credential of [{ username: 'any', password: 'reader' }, { access_token: 'boss' }]) {
      const client = createClient({ url: guarded.url, ...credential });
      const rows = await (await client.query({ query: 'SELECT 7 AS n', format: 'JSONEachRow' })).json();
      expect(rows).toEqual([{ n: 7 }]);
      await client.close();
    }
    const stranger = createClient({ url: guarded.url, log: { level: ClickHouseLogLevel.OFF } });
    await expect(stranger.query({ query: 'SELECT 7' })).rejects.toMatchObject({ code: '194' });
    await stranger.close();
  });
});

describe('a SQL port with tokens and an allowed origin', () => {
  const origin = 'https://board.example';
  const preflightHeaders = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,x-clickhouse-database',
  };
  let port: SqlPort;
  beforeAll(async () => {
    port = await fixture.openPort({
      roles: createRoleCheck({ read: fixed('reader'), admin: undefined }),
      allowedOrigins: [origin],
    });
  });

  it('answers the preflight of that origin without a token, and of no other', async () => {
    const preflight = await ask(port, { origin, ...preflightHeaders }, '/', 'OPTIONS');
    expect([preflight.status, preflight.text]).toEqual([204, '']);
    expect(preflight.headers).toMatchObject({
      'access-control-allow-origin': origin,
      'access-control-allow-methods': 'GET, HEAD, POST',
      'access-control-allow-headers': 'authorization,x-clickhouse-database',
    });
    for (const other of [
      'https://evil.example',
      'https://board.example.evil',
      'http://board.example',
      'null',
    ]) {
      const refusal = await ask(port, { origin: other, ...preflightHeaders }, '/', 'OPTIONS');
      expect([refusal.status, refusal.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    }
  });

  it('takes its POST with a token, and lets it read why another is refused', async () => {
    const headers = { origin, 'sec-fetch-site': 'cross-site' };
    const post = (more: Record<string, string>) =>
      ask(port, { ...headers, ...more }, '/', 'POST', 'SELECT 7');
    const answers = [
      await post({ authorization: 'Bearer reader' }),
      await post(basic('u', 'guess')),
      await post({}),
    ];
    expect(answers.map(({ status, code }) => [status, code])).toEqual([
      [200, undefined],
      [403, '516'],
      [401, '194'],
    ]);
    for (const answer of answers) expect(answer.headers['access-control-allow-origin']).toBe(origin);
    const other = await ask(
      port,
      { ...basic('u', 'reader'), origin: 'https://evil.example' },
      '/',
      'POST',
      'SELECT 7',
    );
    expect([other.status, other.text.includes('7\n'), other.headers['access-control-allow-origin']]).toEqual([
      403,
      false,
      undefined,
    ]);
  });
});

describe('a SQL port without tokens', () => {
  it('is not reached under the name of somebody else', async () => {
    for (const host of ['localhost', '127.0.0.1:8123', '[::1]', 'plumbline:8123'])
      expect((await ask(open, { host })).text).toBe('7\n');
    const rebound = await ask(open, { host: 'evil.example:8123' });
    expect([rebound.status, rebound.code]).toEqual([403, '497']);
    expect(rebound.text).toMatch(/"evil\.example".*PLUMBLINE_ALLOWED_HOSTS/);
  });

  it('runs nothing that a page of another site asks for', async () => {
    const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    for (const headers of [image, link, { origin: 'https://evil.example' }, { origin: 'null' }])
      for (const method of ['GET', 'POST', 'OPTIONS', 'HEAD']) {
        const answer = await ask(open, headers, '/?query=SELECT+7', method);
        expect([answer.status, answer.code, answer.text.includes('7\n')]).toEqual([403, '497', false]);
      }
  });

  it('lets pages of an allowed origin read, after a preflight', async () => {
    const origin = 'https://board.example';
    const headers = { origin, 'sec-fetch-site': 'cross-site' };
    const preflight = await ask(
      open,
      {
        ...headers,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
      '/',
      'OPTIONS',
    );
    expect(preflight).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': origin,
        'access-control-allow-headers': 'authorization',
        'access-control-allow-methods': 'GET, HEAD, POST',
      },
    });
    const answer = await ask(open, headers);
    expect([answer.text, answer.headers['access-control-allow-origin'], answer.headers.vary]).toEqual([
      '7\n',
      origin,
      'Origin',
    ]);
    const failed = await ask(open, headers, '/?query=SELEC');
    expect([failed.status, failed.headers['access-control-allow-origin']]).toEqual([400, origin]);
  });

  it('takes add_http_cors_header, which lets no other page read', async () => {
    const path = '/?query=SELECT+7&add_http_cors_header=1';
    const plain = await ask(open, {}, path);
    expect([plain.text, plain.headers['access-control-allow-origin']]).toEqual(['7\n', undefined]);
    const foreign = await ask(open, { origin: 'https://evil.example' }, path);
    expect([foreign.status, foreign.headers['access-control-allow-origin']]).toEqual([403, undefined]);
    const allowed = await ask(open, { origin: 'https://board.example' }, path);
    expect(allowed.headers['access-control-allow-origin']).toBe('https://board.example');
  });

  it('marks every answer as what its type says and as no page', async () => {
    for (const [headers, path] of [
      [{}],
      [{}, '/?query=SELEC'],
      [{}, '/ping'],
      [{}, '/nothing'],
      [{ host: 'evil.example' }],
    ] as [Record<string, string>, string?][]) {
      const { headers: sent } = await ask(open, headers, path);
      expect(sent['x-content-type-options']).toBe('nosniff');
      expect(sent['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'.*sandbox/);
    }
  });
});

describe('connections to the SQL port', () => {
  const closed = (socket: Socket) => once(socket.on('error', () => {}).resume(), 'close');

  it('are limited: further ones are closed at once, and a place that is free again is taken', async () => {
    const small = await fixture.openPort({ connectionsMax: 2 });
    const held = [1, 2].map(() => connect(small.port, '127.0.0.1'));
    await Promise.all(held.map((socket) => once(socket, 'connect')));
    await closed(connect(small.port, '127.0.0.1'));
    for (const socket of held) {
      const answered = once(socket, 'data');
      socket.write('GET /ping HTTP/1.1\r\nHost: localhost\r\n\r\n');
      expect(String((await answered)[0])).toContain('Ok.');
    }
    held[0]!.end();
    await closed(held[0]!);
    expect((await small.ask('SELECT 7')).text).toBe('7\n');
    held[1]!.destroy();
  });

  it('are closed where the head of a request does not arrive', { timeout: 20_000 }, async () => {
    const quick = await fixture.openPort({ headersTimeoutMs: 200 });
    const slow = connect(quick.port, '127.0.0.1');
    slow.write('GET /?query=SELECT+7 HTTP/1.1\r\nHost: localhost\r\nX-Slow: ');
    await closed(slow);
    expect((await quick.ask('SELECT 7')).text).toBe('7\n');
  });
});
