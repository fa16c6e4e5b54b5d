/** Who gets what from the web port, over real sockets: tokens, sessions, other sites, security headers. */
import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/model/errors.js';
import type { RetentionAccess, RetentionPlan, RetentionReport } from '../../src/model/retention.js';
import { createRoleCheck } from '../../src/show/credentials.js';
import { createWebListener, type Status } from '../../src/show/web-server.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

const STATUS: Status = {
  version: 'test',
  uptimeS: 1,
  addresses: { grpc: '', http: '', sql: '', web: '' },
  problems: [],
  notices: [],
  points: { accepted: 0, rejected: 0, flagged: 0, folded: 0, stored: 0, dropped: 0 },
  requests: { answered: 0, malformed: 0, refused: 0, unauthenticated: 0 },
  spool: { bytes: 0, bytesMax: 1, quarantinedSegments: 0, quarantinedBytes: 0, bytesLost: 0 },
  rollups: { waiting: 0 },
  series: { active: 0, budget: 0 },
  categories: [],
};
/** What came through to the retention. */
const asked: string[] = [];
const retention: RetentionAccess = {
  report: async () => {
    asked.push('report');
    return {} as RetentionReport;
  },
  plan: async () => {
    throw new UserError('there is nothing to plan');
  },
  apply: async () => {
    asked.push('apply');
    return {} as RetentionPlan;
  },
};
const CONSENT = JSON.stringify({ plannedAtMs: 1, confirmation: 'x' });

/** Tokens whose holders may change while the port is open. */
function changeable(tokens: string[]) {
  let listener = (_: readonly string[]) => {};
  return {
    current: () => tokens,
    onChange: (called: typeof listener) => {
      listener = called;
    },
    change: (changed: string[]) => listener(changed),
  };
}

let nowMs = 1_000_000;
const refused: string[] = [];
const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

async function openWeb(
  tokens: { read?: string[]; admin?: string[] } | undefined,
  allowedOrigins: string[] = [],
) {
  const read = tokens?.read && changeable(tokens.read);
  const admin = tokens?.admin && changeable(tokens.admin);
  const server = createServer(
    createWebListener({
      health: { failure: undefined, findProblems: async () => [] },
      findNotices: async () => [],
      readStatus: async () => STATUS,
      retention,
      docsFolders: [new URL('../../docs', import.meta.url).pathname],
      onError: (error) => {
        throw error;
      },
      access: {
        host: '127.0.0.1',
        roles: tokens && createRoleCheck({ read, admin }),
        onUnauthenticated: (problem, peer) => refused.push(`${problem} ${peer}`),
        allowedHosts: [],
        allowedOrigins,
        nowUnixMs: () => nowMs,
      },
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(() => server.close());
  const { port } = server.address() as AddressInfo;
  async function ask(
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<Answer> {
    const sent = request({ host: '127.0.0.1', port, method, path, headers, agent: false });
    sent.end(body);
    const [response] = await once(sent, 'response');
    return { status: response.statusCode, headers: response.headers, text: await readText(response) };
  }
  return { ask, read, own: `http://127.0.0.1:${port}` };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };
const BROWSER = { accept: 'text/html,application/xhtml+xml' };
const cookieOf = ({ headers }: Answer) => ({ cookie: headers['set-cookie']![0]!.split(';')[0]! });

beforeEach(() => {
  asked.length = 0;
  refused.length = 0;
});

describe('a web port with tokens', async () => {
  const web = await openWeb({ read: ['reader'], admin: ['boss'] });
  const logIn = (token: string, more: Record<string, string> = {}, next = '/docs/') =>
    web.ask('POST', '/login', { ...FORM, ...more }, new URLSearchParams({ token, next }).toString());

  it.each(['/', '/api/status', '/api/retention', '/docs/', '/docs/kpis.md', '/runbooks/x', '/nothing'])(
    'shows %s to nobody without a token',
    async (path) => {
      const missing = await web.ask('GET', path);
      expect([missing.status, missing.headers['www-authenticate']]).toEqual([
        401,
        'Bearer realm="plumbline"',
      ]);
      expect(missing.text).toContain('PLUMBLINE_TOKEN');
      for (const headers of [bearer('guess'), bearer('reade'), { authorization: 'Basic cmVhZGVy' }])
        expect((await web.ask('GET', path, headers)).status).toBe(401);
    },
  );

  it('shows them to readers and admins', async () => {
    for (const token of ['reader', 'boss'])
      for (const path of ['/', '/api/status', '/docs/kpis.md', '/api/retention'])
        expect([path, (await web.ask('GET', path, bearer(token))).status]).toEqual([path, 200]);
  });

  it('answers watchdogs whatever name, site or token they show', async () => {
    const worst = { host: 'evil.example', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    for (const path of ['/healthz', '/readyz', '/readyz?for=ingest'])
      expect((await web.ask('GET', path, { ...worst, ...bearer('guess') })).status).toBe(200);
  });

  it('records tokens that are not accepted, without them', async () => {
    await web.ask('GET', '/api/status', bearer('guess'));
    await logIn('guess');
    await web.ask('GET', '/api/status');
    expect(refused).toEqual(['token_not_accepted 127.0.0.1', 'token_not_accepted 127.0.0.1']);
  });

  it('lets admins change the retention, also from elsewhere, and readers only see it', async () => {
    const far = { 'x-forwarded-for': '10.0.0.9' };
    expect((await web.ask('GET', '/api/retention', { ...bearer('reader'), ...far })).status).toBe(200);
    const refusal = await web.ask('POST', '/api/retention', bearer('reader'), CONSENT);
    expect([refusal.status, refusal.text]).toEqual([403, expect.stringContaining('PLUMBLINE_ADMIN_TOKENS')]);
    expect(asked).toEqual(['report']);
    expect((await web.ask('POST', '/api/retention', { ...bearer('boss'), ...far }, CONSENT)).status).toBe(
      200,
    );
    expect(asked).toEqual(['report', 'apply']);
  });

  it('shows people a page to log in, and remembers them by a cookie that no script and no other site gets', async () => {
    const page = await web.ask('GET', '/docs/kpis.md', BROWSER);
    expect([page.status, page.headers['www-authenticate']]).toEqual([401, undefined]);
    expect(page.text).toContain('name="next" value="/docs/kpis.md"');
    expect(page.text).not.toContain('http-equiv');
    const done = await logIn('reader', {}, '/docs/kpis.md');
    expect([done.status, done.headers.location]).toEqual([303, '/docs/kpis.md']);
    const [cookie] = done.headers['set-cookie']!;
    expect(cookie).toMatch(/^plumbline_session=[\w-]{43}; /);
    expect(cookie!.split('; ').slice(1).sort()).toEqual([
      'HttpOnly',
      'Max-Age=43200',
      'Path=/',
      'SameSite=Strict',
    ]);
    expect(cookie).not.toContain('reader');
    expect((await web.ask('GET', '/docs/kpis.md', { ...BROWSER, ...cookieOf(done) })).status).toBe(200);
    expect((await web.ask('GET', '/', { cookie: 'plumbline_session=guess' })).status).toBe(401);
  });

  it('marks the cookie as Secure behind a proxy for TLS', async () => {
    const done = await logIn('reader', { 'x-forwarded-proto': 'https' });
    expect(done.headers['set-cookie']![0]).toContain('Secure');
  });

  it('loads the page again for a link of another site, with which a browser sends no cookie', async () => {
    const clicked = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    const page = await web.ask('GET', '/docs/kpis.md', { ...BROWSER, ...clicked });
    expect([page.status, page.text]).toEqual([401, expect.stringContaining('http-equiv="refresh"')]);
  });

  it('gives nobody a session for a token that is not accepted', async () => {
    for (const token of ['', 'guess', 'READER']) {
      const refusal = await logIn(token);
      expect([refusal.status, refusal.headers['set-cookie']]).toEqual([401, undefined]);
      expect(refusal.text).toContain('not accepted');
    }
    expect((await web.ask('POST', '/login', FORM, `token=${'x'.repeat(9_000)}`)).status).toBe(413);
  });

  it.each([
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example',
    '/docs/..//evil.example',
    'javascript:x',
    '/\t/evil.example',
  ])('sends nobody to %j after logging in', async (next) =>
    expect((await logIn('reader', {}, next)).headers.location).toBe('/'),
  );

  it('ends a session by its time, by logging out, and with its token', async () => {
    const statusOf = async (cookie: { cookie: string }) => (await web.ask('GET', '/', cookie)).status;
    const [late, out, revoked] = [await logIn('reader'), await logIn('reader'), await logIn('reader')].map(
      cookieOf,
    );
    expect(await statusOf(late!)).toBe(200);
    const bye = await web.ask('POST', '/logout', out);
    expect([bye.status, bye.headers.location]).toEqual([303, '/login']);
    expect(await statusOf(out!)).toBe(401);
    nowMs += 12 * 3_600_000;
    expect(await statusOf(late!)).toBe(401);
    const fresh = cookieOf(await logIn('reader'));
    web.read!.change(['other']);
    expect([await statusOf(fresh), await statusOf(revoked!)]).toEqual([401, 401]);
    web.read!.change(['reader']);
    expect(await statusOf(fresh)).toBe(200);
  });

  it('takes no form of another site, with a cookie or without', async () => {
    const foreign = { origin: 'https://evil.example' };
    const mine = cookieOf(await logIn('boss'));
    expect((await logIn('boss', foreign)).status).toBe(403);
    expect((await web.ask('POST', '/logout', { ...mine, ...foreign })).status).toBe(403);
    expect((await web.ask('POST', '/api/retention', { ...mine, ...foreign }, CONSENT)).status).toBe(403);
    expect(asked).toEqual([]);
    expect((await logIn('boss', { origin: web.own })).status).toBe(303);
  });
});

describe('a web port without tokens', async () => {
  const web = await openWeb(undefined, ['https://board.example']);

  it('is open under its own names and to no other', async () => {
    expect((await web.ask('GET', '/')).status).toBe(200);
    expect((await web.ask('GET', '/', { host: 'localhost' })).status).toBe(200);
    const rebound = await web.ask('GET', '/api/status', { host: 'evil.example:4320' });
    expect([rebound.status, rebound.text]).toEqual([403, expect.stringContaining('PLUMBLINE_ALLOWED_HOSTS')]);
  });

  it('refuses what other sites make a browser send, and lets links open pages', async () => {
    const image = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' };
    expect((await web.ask('GET', '/', image)).status).toBe(403);
    const link = {
      'sec-fetch-site': 'cross-site',
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
    };
    expect((await web.ask('GET', '/docs/kpis.md', link)).status).toBe(200);
    for (const path of ['/api/status', '/docs/../api/status', '/api/retention/plan'])
      expect([path, (await web.ask('GET', path, link)).status]).toEqual([path, 403]);
  });

  it('lets pages of allowed origins read, after a preflight', async () => {
    const headers = { origin: 'https://board.example', 'sec-fetch-site': 'cross-site' };
    const preflight = await web.ask('OPTIONS', '/api/status', {
      ...headers,
      'access-control-request-method': 'GET',
    });
    expect([preflight.status, preflight.headers['access-control-allow-origin']]).toEqual([
      204,
      headers.origin,
    ]);
    const answer = await web.ask('GET', '/api/status', headers);
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([200, headers.origin]);
  });

  it('has retention for this machine only', async () => {
    expect((await web.ask('GET', '/api/retention')).status).toBe(200);
    expect((await web.ask('GET', '/api/retention', { 'x-forwarded-for': '10.0.0.9' })).status).toBe(403);
    expect((await web.ask('POST', '/api/retention', { origin: web.own }, CONSENT)).status).toBe(403);
    expect((await web.ask('GET', '/login')).status).toBe(404);
  });

  it('gives every answer its security headers', async () => {
    for (const [path, headers] of [
      ['/'],
      ['/docs/'],
      ['/docs/kpis.md'],
      ['/api/status'],
      ['/nothing'],
      ['/healthz'],
      ['/', { host: 'evil.example' }],
      ['/api/retention/plan'],
    ] as [string, Record<string, string>?][]) {
      const { headers: sent } = await web.ask('GET', path, headers);
      expect(sent['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(sent).toMatchObject({
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'DENY',
        'referrer-policy': 'same-origin',
        'cache-control': 'no-store',
      });
    }
  });
});

describe('a web port without admins', async () => {
  const web = await openWeb({ read: ['reader'] });
  it('lets readers on the machine of the server change the retention, and no others', async () => {
    const far = await web.ask('POST', '/api/retention', { ...bearer('reader'), via: '1.1 proxy' }, CONSENT);
    expect([far.status, asked]).toEqual([403, []]);
    expect((await web.ask('POST', '/api/retention', bearer('reader'), CONSENT)).status).toBe(200);
  });
});
