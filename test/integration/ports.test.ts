/** Ports of a real server: where each listens, what it asks for, and that no port is open to everybody by accident. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  makeDataDirectory,
  type RunningServer,
  serverEnvironment,
  startServer,
  waitUntil,
} from '../testkit/server.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const data = makeDataDirectory();
const files = makeDataDirectory();
afterAll(() => {
  data.remove();
  files.remove();
});

async function run(args: string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout!),
    text(child.stderr!),
    once(child, 'exit') as Promise<[number]>,
  ]);
  return { stdout, stderr, code };
}

describe('a server whose ports everybody could use', () => {
  it('does not start, and says which ports and what to set', async () => {
    const env = serverEnvironment(data.path, { PLUMBLINE_HOST: '0.0.0.0', PLUMBLINE_AUTH_TOKENS: 'sender' });
    const { stdout, stderr, code } = await run(['serve'], env);
    expect([stdout, code]).toEqual(['', 1]);
    expect(stderr).toMatch(/^plumbline: these ports can be reached from other machines/);
    expect(stderr).toMatch(/\n {2}sql .*PLUMBLINE_READ_TOKENS.*PLUMBLINE_SQL_HOST=127\.0\.0\.1\n {2}web /);
    expect(stderr).toContain('PLUMBLINE_INSECURE=sql,web');
    expect(stderr).not.toMatch(/grpc|sender/);
  });

  it.each([
    [{ PLUMBLINE_INSECURE: 'sqll' }, '"sqll" is no port'],
    [
      { PLUMBLINE_ALLOWED_HOSTS: 'http://plumbline:4320' },
      'PLUMBLINE_ALLOWED_HOSTS: "http://plumbline:4320"',
    ],
    [{ PLUMBLINE_ALLOWED_ORIGINS: '*' }, 'PLUMBLINE_ALLOWED_ORIGINS: "*" is no origin'],
    [{ PLUMBLINE_READ_TOKENS: 'sec ret' }, 'PLUMBLINE_READ_TOKENS cannot be used: token 1 has characters'],
    [{ PLUMBLINE_ADMIN_TOKENS_FILE: '/nowhere' }, 'PLUMBLINE_ADMIN_TOKENS_FILE) cannot be used'],
  ])('nor with settings that cannot be meant: %j', async (settings, message) => {
    const { stderr, code } = await run(['serve'], serverEnvironment(data.path, settings));
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(stderr).not.toContain('sec ret');
  });
});

describe('a server with tokens, reached from other machines', () => {
  let server: RunningServer;
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
  const askSql = async (token: string) =>
    (
      await fetch(`http://${server.sql.replace('0.0.0.0', '127.0.0.1')}/?query=SELECT+7`, {
        headers: bearer(token),
      })
    ).status;
  const askWeb = async (token: string) =>
    (await fetch(`http://${server.web}/api/status`, { headers: bearer(token) })).status;
  /** Where the commands of this machine find it. */
  const found = () => ({
    PLUMBLINE_SQL_HOST: '0.0.0.0',
    PLUMBLINE_SQL_PORT: server.sql.split(':').at(-1)!,
    PLUMBLINE_WEB_PORT: server.web.split(':').at(-1)!,
  });

  beforeAll(async () => {
    writeFileSync(join(files.path, 'readers'), 'from-file\n');
    server = await startServer(data.path, {
      PLUMBLINE_SQL_HOST: '0.0.0.0',
      PLUMBLINE_WEB_HOST: 'localhost',
      PLUMBLINE_READ_TOKENS_FILE: join(files.path, 'readers'),
      PLUMBLINE_ADMIN_TOKENS: 'boss',
      PLUMBLINE_CATALOGUE: files.path,
      PLUMBLINE_RELOAD_MS: '50',
    });
  }, 60_000);
  afterAll(() => server?.stop());

  it('listens with each port where that port is told to', () => {
    expect(server.grpc).toMatch(/^127\.0\.0\.1:/);
    expect(server.http).toMatch(/^127\.0\.0\.1:/);
    expect(server.sql).toMatch(/^0\.0\.0\.0:/);
    expect(server.web).toMatch(/^localhost:/);
    expect(server.stderr()).toContain('over sql, tokens included, is unencrypted');
    expect(server.stdout()).toContain('asks for a token of the role read or admin');
    expect(server.stdout() + server.stderr()).not.toMatch(/from-file|boss/);
  });

  it('asks for a token on the SQL port and the web port', async () => {
    expect([await askSql('guess'), await askWeb('guess')]).toEqual([403, 401]);
    for (const token of ['from-file', 'boss'])
      expect([await askSql(token), await askWeb(token)]).toEqual([200, 200]);
    expect((await fetch(`http://${server.web}/readyz`)).status).toBe(200);
  });

  it('gives commands an answer that have a token, and tells others what to set', {
    timeout: 60_000,
  }, async () => {
    for (const args of [
      ['sql', 'SELECT 7'],
      ['coverage'],
      ['series', 'top'],
      ['kpi', 'list'],
      ['retention'],
    ]) {
      const refused = await run(args, found());
      expect([args, refused.code, refused.stderr]).toEqual([
        args,
        1,
        expect.stringContaining('PLUMBLINE_TOKEN'),
      ]);
      const { stderr } = await run(args, { ...found(), PLUMBLINE_TOKEN: 'from-file' });
      // A server without a catalogue has no KPI.
      const isOfKpis = ['coverage', 'kpi'].includes(args[0]!);
      expect([args, stderr]).toEqual([args, isOfKpis ? expect.stringContaining('no KPI is defined') : '']);
    }
  });

  it('lets only admins change the retention', { timeout: 60_000 }, async () => {
    const apply = (token: string) =>
      run(['retention', 'apply', '--yes'], { ...found(), PLUMBLINE_TOKEN: token });
    writeFileSync(join(files.path, 'retention.yaml'), 'categories:\n  business_impact:\n    raw: 20d\n');
    const reader = await apply('from-file');
    expect([reader.code, reader.stderr]).toEqual([1, expect.stringContaining('PLUMBLINE_ADMIN_TOKENS')]);
    const admin = await apply('boss');
    expect([admin.code, admin.stdout]).toEqual([0, expect.stringContaining('Applied.')]);
  });

  it('follows changes of the file of tokens', async () => {
    writeFileSync(join(files.path, 'readers'), 'later\n');
    await waitUntil(
      () => askSql('later'),
      (status) => status === 200,
      10_000,
    );
    expect([await askSql('from-file'), await askWeb('from-file'), await askWeb('later')]).toEqual([
      403, 401, 200,
    ]);
  });
});
