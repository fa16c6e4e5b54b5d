/**
 * The recorder library in a real browser: a page of another origin (so every export passes CORS and a preflight) tells a
 * running pipeline how long it took to load. Needs Debian's chromium; skipped where it is not installed.
 */
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Browser, chromium } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { waitUntil } from '../testkit/server.js';

const CHROMIUM = '/usr/bin/chromium';
const BROWSER_ARGUMENTS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--no-proxy-server'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];
const hasChromium = existsSync(CHROMIUM);
if (!hasChromium) console.warn(`skipped: no browser at ${CHROMIUM} (Debian: apt-get install chromium)`);

/** The page is loaded when its image is, so its load event comes late and takes no time itself. */
const IMAGE_DELAY_MS = 300;
const TOKEN = 'token-of-the-pages';

let port = 0;
let receiver: RunningPipeline;
let browser: Browser;
let bundle = '';

const server = createServer((request, response) => {
  const { pathname, searchParams } = new URL(request.url!, 'http://page');
  if (pathname === '/bundle.js') {
    response.setHeader('Content-Type', 'text/javascript').end(bundle);
  } else if (pathname === '/slow.svg') {
    const svg =
      '<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100"><rect width="200" height="100"/></svg>';
    setTimeout(() => response.setHeader('Content-Type', 'image/svg+xml').end(svg), IMAGE_DELAY_MS);
  } else if (pathname === '/cart') {
    const settings = JSON.stringify({
      serviceName: searchParams.get('service'),
      endpoint: `http://${receiver.http}`,
      headers: { Authorization: `Bearer ${TOKEN}` },
    });
    response.setHeader('Content-Type', 'text/html').end(`<!doctype html><title>Cart</title>
      <h1>Your cart</h1><img src="/slow.svg"><button>Pay</button>
      <script type="application/json" id="settings">${settings}</script>
      <script type="module" src="/bundle.js"></script>`);
  } else {
    response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>Elsewhere</title>');
  }
});

beforeAll(async () => {
  if (!hasChromium) return;
  const built = build({
    entryPoints: [fileURLToPath(new URL('browser-page.mjs', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'browser',
    write: false,
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  [receiver, browser, bundle] = await Promise.all([
    startPipeline(() => Date.now(), {
      PLUMBLINE_CORS_ORIGINS: `http://127.0.0.1:${port}`,
      PLUMBLINE_AUTH_TOKENS: TOKEN,
    }),
    chromium.launch({ executablePath: CHROMIUM, args: BROWSER_ARGUMENTS }),
    built.then(({ outputFiles }) => outputFiles[0]!.text),
  ]);
});
afterAll(async () => {
  await browser?.close();
  await receiver?.stop();
  server.closeAllConnections();
  server.close();
});

interface Measured {
  recordedS: number;
  loadEndMs: number;
  clickMs: number;
}

interface Row {
  metric_name: string;
  sum: number;
  count: number;
  temporality: string;
  category: string;
  page_url: string;
}

const readRows = (service: string): Promise<Row[]> =>
  receiver.stored<Row>(`
    SELECT metric_name, sum, toUInt32(count) AS count, toString(s.temporality) AS temporality, category,
           attributes['page_url'] AS page_url
    FROM histogram_points AS p FINAL INNER JOIN (SELECT * FROM series FINAL) AS s USING (series_id)
    WHERE source_system = '${service}' ORDER BY metric_name`);

const ON_PAGE = { count: 1, temporality: 'delta', category: 'User Experience', page_url: '/cart' };

describe.skipIf(!hasChromium)('a page of another origin', () => {
  it('tells how long it took to load, from navigation start, and what was clicked', async () => {
    const page = await browser.newPage();
    const beforeMs = performance.now();
    await page.goto(`http://127.0.0.1:${port}/cart?service=pages&item=7#top`);
    const aroundMs = performance.now() - beforeMs;
    await page.click('button');
    const measured = (await page.evaluate('report()')) as Measured;
    await page.close();
    expect(measured.recordedS).toBe(measured.loadEndMs / 1000);
    expect(measured.loadEndMs).toBeGreaterThanOrEqual(IMAGE_DELAY_MS);
    expect(measured.loadEndMs).toBeLessThan(aroundMs);
    const rows = await readRows('pages');
    const find = (name: string) => rows.find((row) => row.metric_name === name);
    const loadS = measured.loadEndMs / 1000;
    expect(find('page_load_time')).toEqual({ metric_name: 'page_load_time', sum: loadS, ...ON_PAGE });
    const clickS = measured.clickMs / 1000;
    expect(find('user_interaction')).toEqual({ metric_name: 'user_interaction', sum: clickS, ...ON_PAGE });
  });

  it('sends what waits, and the web vitals that are known only then, while it is left', async () => {
    const names = ['cls', 'fcp', 'inp', 'lcp', 'ttfb'].map((name) => `browser.web_vital.${name}`);
    names.push('page_load_time', 'user_interaction');
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${port}/cart?service=left`);
    await page.click('button');
    // web-vitals looks at a click when the browser is idle, and after a second in any case.
    await page.waitForTimeout(1_200);
    await page.goto(`http://127.0.0.1:${port}/elsewhere`);
    const rows = await waitUntil(
      () => readRows('left'),
      (found) => found.length >= names.length,
      10_000,
    );
    await page.close();
    expect(rows.map((row) => ({ ...row, sum: row.sum >= 0 }))).toEqual(
      names.map((name) => ({ metric_name: name, sum: true, ...ON_PAGE })),
    );
    const value = (name: string) => rows.find((row) => row.metric_name === name)!.sum;
    expect(value('browser.web_vital.fcp')).toBeGreaterThan(0);
    expect(value('browser.web_vital.fcp')).toBeLessThanOrEqual(value('browser.web_vital.lcp'));
    expect(value('browser.web_vital.ttfb')).toBeLessThan(value('page_load_time'));
    // The click cost 80 ms; browsers round to 8.
    expect(value('browser.web_vital.inp')).toBeGreaterThanOrEqual(0.08);
  });

  it('that is not allowed sends nothing, and works all the same', async () => {
    const page = await browser.newPage();
    const messages: string[] = [];
    page.on('console', (message) => messages.push(message.text()));
    await page.goto(`http://localhost:${port}/cart?service=strangers`);
    await page.waitForFunction('document.readyState === "complete"');
    // The exporter goes on trying for its ten seconds; the page waits for nothing.
    void page.evaluate('report()').catch(() => {});
    await waitUntil(
      async () => messages.join('\n'),
      (text) => text.includes('blocked by CORS policy'),
      10_000,
    );
    expect(await page.title()).toBe('Cart');
    await page.close();
    expect(await readRows('strangers')).toEqual([]);
  });
});
