/**
 * The documentation over HTTP: what runbook links of Grafana and alerts point at. Enters: folders that have the files; leaves:
 * /docs (what there is), /docs/NAME.md as readable HTML, and /runbooks/NAME, which leads to /docs/runbooks/NAME.md. Reads
 * Markdown below these folders only, and runs no scripts: files may be a user's.
 */
import { readdir, readFile } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { type Context, Hono } from 'hono';
import { html, raw } from 'hono/html';
import { Marked, type Tokens } from 'marked';

/** Segments of letters, digits, _ and -, then .md: nothing that leads out of a folder. */
const DOCUMENT = /^([A-Za-z0-9_-]+\/)*[A-Za-z0-9_-]+\.md$/;
/** No scripts, no frames, nothing from elsewhere. */
const POLICY =
  "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** `folders`: earlier ones first where several have a file of the same name; one that does not exist has none. */
export function createDocsPages(folders: readonly string[]): Hono {
  const app = new Hono();
  app.use('/docs/*', async (c, next) => {
    await next();
    c.header('Content-Security-Policy', POLICY);
  });
  app.get('/docs', (c) => c.redirect('/docs/'));
  app.get('/docs/', async (c) => {
    const paths = await listDocuments(folders);
    const items = paths.map((path) => html`<li><a href="/docs/${path}">${path}</a></li>`);
    return c.html(page('Documentation', html`<h1>Documentation</h1><ul>${items}</ul>`));
  });
  app.get('/docs/:path{.+}', async (c) => showDocument(c, folders, c.req.param('path')));
  app.get('/runbooks/:name', (c) => {
    const name = c.req.param('name').replace(/\.md$/, '');
    return DOCUMENT.test(`${name}.md`) ? c.redirect(`/docs/runbooks/${name}.md`) : notFound(c, name);
  });
  return app;
}

async function showDocument(c: Context, folders: readonly string[], path: string) {
  const text = DOCUMENT.test(path) ? await readFirst(folders, path) : undefined;
  if (text === undefined) return notFound(c, path);
  const title = /^# (.+)$/m.exec(text)?.[1] ?? path;
  return c.html(
    page(title, html`<nav><a href="/docs/">All documents</a></nav>${raw(renderMarkdown(text, path))}`),
  );
}

function notFound(c: Context, path: string) {
  return c.html(
    page(
      'Not found',
      html`<h1>Not found</h1><p>There is no document <code>${path}</code>. <a href="/docs/">What there is</a></p>`,
    ),
    404,
  );
}

async function readFirst(folders: readonly string[], path: string): Promise<string | undefined> {
  for (const folder of folders) {
    const text = await readFile(join(folder, path), 'utf8').catch(() => undefined);
    if (text !== undefined) return text;
  }
  return undefined;
}

async function listDocuments(folders: readonly string[]): Promise<string[]> {
  const found = await Promise.all(
    folders.map((folder) => readdir(folder, { recursive: true }).catch(() => [] as string[])),
  );
  return [...new Set(found.flat())].filter((path) => DOCUMENT.test(path)).sort();
}

/** `path`: of the document, which links are relative to. Links that lead out of the documentation become plain text. */
function renderMarkdown(text: string, path: string): string {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth }: Tokens.Heading) {
        const content = this.parser.parseInline(tokens);
        return `<h${depth} id="${slug(this.parser.parseInline(tokens, this.parser.textRenderer))}">${content}</h${depth}>\n`;
      },
      link({ href, tokens }: Tokens.Link) {
        const content = this.parser.parseInline(tokens);
        return isFollowed(href, path) ? `<a href="${escapeAttribute(href)}">${content}</a>` : content;
      },
      html: ({ text: source }: Tokens.HTML | Tokens.Tag) =>
        source.startsWith('<!--') ? '' : escapeText(source),
    },
  });
  return marked.parse(text, { async: false });
}

function isFollowed(href: string, path: string): boolean {
  if (/^(https?:\/\/|#)/.test(href)) return true;
  const [target = ''] = href.split('#');
  return DOCUMENT.test(posix.join(posix.dirname(path), target));
}

/** The id that GitHub gives a heading, so that links to it work in both places. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/&[a-z0-9#]+;/g, '')
    .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-');
}

function escapeText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

function escapeAttribute(text: string): string {
  return escapeText(text).replaceAll('"', '&quot;');
}

function page(title: string, body: ReturnType<typeof html>) {
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${title} · Plumbline</title>
    <style>
      :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
      body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
      table { border-collapse: collapse; display: block; overflow-x: auto; }
      th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
      code { background: #8882; padding: 0.1rem 0.3rem; border-radius: 0.2rem; }
      pre { overflow-x: auto; background: #8882; padding: 0.8rem; border-radius: 0.3rem; }
      pre code { background: none; padding: 0; }
    </style>
  </head>
  <body>
    ${body}
  </body>
</html>`;
}
