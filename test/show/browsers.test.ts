/**
 * A real browser at the SQL port and the web port: pages of other sites, names that lead here, and people who log in. Needs
 * Debian's chromium; skipped where it is not installed.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';

const CHROMIUM = '/usr/bin/chromium';
const ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
  '--host-resolver-rules=MAP evil.example 127.0.0.1',
];
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) console.warn(`skipped: no browser at ${CHROMIUM} (Debian: apt-get install chromium)`);
const TOKEN = 'token-of-a-person';

/** What the page of somebody else says. */
let content = '';
const elsewhere = createServer((_request, response) => {
  response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Elsewhere</title>${content}`);
});
let elsewherePort = 0;
let browser: Browser;
let server: RunningPipeline;
let context: BrowserContext;
let page: Page;
/** Path and status of every answer of Plumbline, as the server knows them: browsers hide some. */
let statuses: [path: string, status: number][] = [];

function recordAnswer(message: unknown): void {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  const [path] = request.url!.split('?') as [string];
  if (request.socket.localPort !== elsewherePort && path !== '/favicon.ico') {
    statuses.push([path, response.statusCode]);
  }
}

beforeAll(async () => {
  if (!hasChromium) return;
  subscribe('http.server.response.finish', recordAnswer);
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  elsewherePort = (elsewhere.address() as AddressInfo).port;
  browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGUMENTS });
});
afterAll(async () => {
  unsubscribe('http.server.response.finish', recordAnswer);
  await browser?.close();
  elsewhere.closeAllConnections();
  elsewhere.close();
});
beforeEach(async () => {
  if (!hasChromium) return;
  statuses = [];
  context = await browser.newContext();
  page = await context.newPage();
});
afterEach(() => context?.close());

/** The page of somebody else, under a name of another site or of the same one. */
const openElsewhere = (host: 'localhost' | '127.0.0.1', html: string) => {
  content = html;
  return page.goto(`http://${host}:${elsewherePort}/`);
};

describe.skipIf(!hasChromium)('ports without tokens', () => {
  beforeAll(async () => {
    server = await startPipeline(() => Date.now());
  });
  afterAll(() => server?.stop());

  it.each(['localhost', '127.0.0.1'] as const)(
    'run nothing that a page at %s asks for blindly',
    async (host) => {
      const { sql, web } = server.pipeline.addresses();
      await openElsewhere(
        host,
        `<img src="http://${sql}/?query=SELECT+7"><img src="http://${web}/api/status">`,
      );
      for (const method of ['GET', 'POST']) {
        await page.evaluate(
          ([url, method]) =>
            fetch(url!, { method: method!, mode: 'no-cors', ...(method === 'POST' && { body: 'SELECT 7' }) }),
          [`http://${sql}/${method === 'GET' ? '?query=SELECT+7' : ''}`, method],
        );
      }
      expect(statuses.sort()).toEqual([
        ['/', 403],
        ['/', 403],
        ['/', 403],
        ['/api/status', 403],
      ]);
    },
  );

  it('show nothing to a page of another site, not even in a frame', async () => {
    const { sql, web } = server.pipeline.addresses();
    await openElsewhere(
      'localhost',
      `<iframe src="http://${web}/"></iframe><iframe src="http://${sql}/?query=SELECT+7"></iframe>`,
    );
    expect(statuses.map(([, status]) => status)).toEqual([403, 403]);
    await expect(
      page.evaluate((url) => fetch(url).then((answer) => answer.text()), `http://${web}/api/status`),
    ).rejects.toThrow('Failed to fetch');
  });

  it('show nothing under a name of somebody else that leads here', async () => {
    const { sql, web } = server.pipeline.addresses();
    for (const address of [`${sql}/?query=SELECT+7`, `${web}/`, `${web}/api/status`]) {
      const answer = await page.goto(`http://${address.replace('127.0.0.1', 'evil.example')}`);
      expect([answer!.status(), await answer!.text()]).toEqual([
        403,
        expect.stringContaining('evil.example'),
      ]);
    }
  });

  it('show their pages to whoever types the address or follows a link', async () => {
    const { web } = server.pipeline.addresses();
    expect((await page.goto(`http://${web}/`))!.status()).toBe(200);
    await openElsewhere('localhost', `<a href="http://${web}/docs/kpis.md">runbook</a>`);
    await page.click('a');
    await page.waitForURL(`http://${web}/docs/kpis.md`);
    expect(await page.title()).toMatch(/Plumbline$/);
    expect(statuses.at(-1)).toEqual(['/docs/kpis.md', 200]);
  });
});

describe.skipIf(!hasChromium)('a SQL port with tokens', () => {
  beforeAll(async () => {
    server = await startPipeline(() => Date.now(), {
      PLUMBLINE_READ_TOKENS: TOKEN,
      PLUMBLINE_ALLOWED_ORIGINS: `http://localhost:${elsewherePort}`,
    });
  });
  afterAll(() => server?.stop());

  const askFrom = async (host: 'localhost' | '127.0.0.1', token: string) => {
    await openElsewhere(host, '');
    return page.evaluate(
      async ([url, token]) => {
        const headers = { Authorization: `Bearer ${token}`, 'X-ClickHouse-Database': 'plumbline' };
        const answer = await fetch(url!, { method: 'POST', headers, body: 'SELECT 7' });
        return [answer.status, await answer.text(), answer.headers.get('X-ClickHouse-Exception-Code')];
      },
      [`http://${server.pipeline.addresses().sql}/`, token],
    );
  };

  it('answers a program of an allowed origin that shows a token, and no other', async () => {
    expect(await askFrom('localhost', TOKEN)).toEqual([200, '7\n', null]);
    expect(await askFrom('localhost', 'guess')).toEqual([
      403,
      expect.stringContaining('Authentication'),
      '516',
    ]);
    await expect(askFrom('127.0.0.1', TOKEN)).rejects.toThrow('Failed to fetch');
  });
});

describe.skipIf(!hasChromium)('a web port with tokens', () => {
  beforeAll(async () => {
    server = await startPipeline(() => Date.now(), { PLUMBLINE_READ_TOKENS: TOKEN });
  });
  afterAll(() => server?.stop());

  async function logIn(token: string): Promise<void> {
    await page.fill('input[type=password]', token);
    await page.click('button');
  }

  it('asks a person once, and then shows what they wanted to see, also from links of other sites', async () => {
    const { web } = server.pipeline.addresses();
    await page.goto(`http://${web}/docs/kpis.md`);
    await logIn('guess');
    await page.waitForSelector('[role=alert]');
    await logIn(TOKEN);
    await page.waitForURL(`http://${web}/docs/kpis.md`);
    expect(await page.title()).not.toContain('Log in');
    expect(await page.evaluate('document.cookie')).toBe('');
    await openElsewhere('localhost', `<a href="http://${web}/docs/retention.md">runbook</a>`);
    await page.click('a');
    // A strict cookie does not come with the link; the page loads itself again with it.
    await page.waitForSelector('h1:has-text("Retention"), h1:has-text("kept")');
    expect(statuses.slice(-2)).toEqual([
      ['/docs/retention.md', 401],
      ['/docs/retention.md', 200],
    ]);
  });

  it('takes no form of another site from somebody who is logged in', async () => {
    const { web } = server.pipeline.addresses();
    await page.goto(`http://${web}/docs/`);
    await logIn(TOKEN);
    await page.waitForURL(`http://${web}/docs/`);
    for (const host of ['localhost', '127.0.0.1'] as const) {
      await openElsewhere(
        host,
        `<form method="post" action="http://${web}/logout"><button>Win</button></form>`,
      );
      await page.click('button');
      await page.waitForURL(`http://${web}/logout`);
      expect(statuses.at(-1)).toEqual(['/logout', 403]);
    }
    expect((await page.goto(`http://${web}/docs/`))!.status()).toBe(200);
  });
});
