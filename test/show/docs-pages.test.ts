/** The documentation over HTTP: every file of docs/, its links, and nothing that is not documentation. */
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getRequestListener } from '@hono/node-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GRAFANA_DEFAULTS } from '../../src/grafana/grafana-options.js';
import { createDocsPages } from '../../src/show/docs-pages.js';

const docs = new URL('../../docs', import.meta.url).pathname;
const own = mkdtempSync(join(tmpdir(), 'plumbline-docs-'));
mkdirSync(join(own, 'runbooks'));
writeFileSync(
  join(own, 'runbooks', 'checkout.md'),
  '# Checkout\n\n<script>alert(1)</script> [no](javascript:alert(1)) [<b>](../kpis.md)\n',
);
writeFileSync(join(own, 'secret.txt'), 'secret');
const server = createServer(getRequestListener(createDocsPages([own, docs]).fetch));
let origin: string;
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  rmSync(own, { recursive: true });
});

async function get(path: string) {
  const response = await fetch(new URL(path, origin));
  return {
    status: response.status,
    text: await response.text(),
    path: new URL(response.url).pathname,
    policy: response.headers.get('content-security-policy'),
  };
}

describe('the documentation', () => {
  it('is a page for each file, whose links and anchors lead somewhere', async () => {
    const files = readdirSync(docs, { recursive: true })
      .map(String)
      .filter((path) => path.endsWith('.md'));
    const pages = new Map<string, string>();
    for (const file of files) {
      const { status, text, policy } = await get(`/docs/${file}`);
      expect({ file, status }).toEqual({ file, status: 200 });
      expect(policy).toContain("default-src 'none'");
      pages.set(`/docs/${file}`, text);
    }
    expect(files.length).toBeGreaterThan(40);
    const broken: string[] = [];
    for (const [path, text] of pages)
      for (const [, href] of text.matchAll(/<a href="([^"]+)"/g)) {
        const target = new URL(href!, new URL(path, origin));
        if (target.origin !== origin || target.pathname === '/docs/') continue;
        const found = pages.get(target.pathname);
        const id = decodeURIComponent(target.hash.slice(1));
        if (found === undefined || (id !== '' && !found.includes(` id="${id}"`)))
          broken.push(`${path}: ${href}`);
      }
    expect(broken).toEqual([]);
  });

  it('shows headings, tables and code of a runbook', async () => {
    const { text } = await get('/docs/runbooks/response_time.md');
    expect(text).toContain('<h2 id="first-checks">First checks</h2>');
    expect((await get('/docs/kpis.md')).text).toMatch(/<table>[\s\S]*<pre><code class="language-sql">/);
  });

  it('leads from /runbooks/NAME to the runbook, with or without .md', async () => {
    for (const name of ['error_rate', 'error_rate.md'])
      expect(await get(`/runbooks/${name}`)).toMatchObject({
        status: 200,
        path: '/docs/runbooks/error_rate.md',
      });
  });

  it('has whatever rendered dashboards and alerts link', async () => {
    const grafana = new URL('../../grafana', import.meta.url).pathname;
    const files = readdirSync(grafana, { recursive: true })
      .map(String)
      .filter((path) => /\.(json|yaml|md)$/.test(path));
    const texts = files.map((path) => readFileSync(join(grafana, path), 'utf8'));
    const address = new RegExp(`${GRAFANA_DEFAULTS.docsUrl}(/[A-Za-z0-9_./-]*)`, 'g');
    const paths = new Set(texts.flatMap((text) => [...text.matchAll(address)].map(([, path]) => path!)));
    expect(paths.size).toBeGreaterThan(20);
    for (const path of paths) expect(await get(path)).toMatchObject({ path, status: 200 });
  });

  it('lists what there is, of a user too', async () => {
    const { text } = await get('/docs');
    expect(text).toContain('<a href="/docs/runbooks/checkout.md">');
    expect(text).toContain('<a href="/docs/decisions/0001-libraries.md">');
    expect(text).not.toContain('secret');
  });

  it('runs nothing that a document brings', async () => {
    const { text } = await get('/docs/runbooks/checkout.md');
    expect(text).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
    expect(text).not.toMatch(/<script|href="javascript/);
  });

  it.each([
    '/docs/secret.txt',
    '/docs/..%2fpackage.json',
    '/docs/%2e%2e/README.md',
    '/docs/runbooks/../../README.md',
    '/docs/nope.md',
    '/docs/runbooks',
    '/runbooks/..%2f..%2fREADME',
    '/docs/a%00.md',
  ])('has nothing at %s', async (path) => {
    const { status, text } = await get(path);
    expect(status).toBe(404);
    expect(text).not.toContain('"name": "plumbline"');
  });
});
