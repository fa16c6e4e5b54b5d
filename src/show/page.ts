/** The built-in page: what Plumbline received and how it classified it. Enters: a Status; leaves: HTML. No scripts. */
import { html } from 'hono/html';
import { ownCommand } from '../model/own-command.js';
import type { Status } from './web-server.js';

export function renderPage(status: Status) {
  const { addresses, points, requests, spool, series, categories, problems, notices } = status;
  return html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <meta http-equiv="refresh" content="5" />
    <title>Plumbline</title>
    <style>
      :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
      body { max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
      table { border-collapse: collapse; width: 100%; }
      th, td { text-align: left; padding: 0.3rem 0.8rem 0.3rem 0; border-bottom: 1px solid #8884; }
      td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
      code { background: #8882; padding: 0.1rem 0.3rem; border-radius: 0.2rem; }
    </style>
  </head>
  <body>
    <h1>Plumbline</h1>
    <p>
      Send OTLP metrics to <code>${addresses.grpc}</code> (gRPC) or <code>${addresses.http}</code> (HTTP), ask SQL at
      <code>${addresses.sql}</code>.
    </p>
    ${describeList('Not everything works', problems)} ${describeList('Please look at', notices)}
    <h2>What came in</h2>
    <table>
      <tr><th>Points accepted</th><td class="number">${points.accepted}</td></tr>
      <tr><th>Points stored</th><td class="number">${points.stored}</td></tr>
      <tr><th>Points rejected</th><td class="number">${points.rejected}</td></tr>
      <tr><th>Points flagged</th><td class="number">${points.flagged}</td></tr>
      <tr><th>Points folded into overflow series</th><td class="number">${points.folded}</td></tr>
      <tr><th>Points dropped</th><td class="number">${points.dropped}</td></tr>
      <tr><th>Requests refused, malformed</th><td class="number">${requests.refused}, ${requests.malformed}</td></tr>
      <tr><th>Requests without a token that is accepted</th><td class="number">${requests.unauthenticated}</td></tr>
      <tr><th>Series active</th><td class="number">${series.active}</td></tr>
      <tr><th>Spool, bytes</th><td class="number">${spool.bytes}</td></tr>
      <tr><th>Spool, segments in quarantine</th><td class="number">${spool.quarantinedSegments}</td></tr>
      <tr><th>Spool, bytes lost to damage</th><td class="number">${spool.bytesLost}</td></tr>
    </table>
    <h2>How it is classified</h2>
    ${
      categories.length === 0
        ? html`<p>Nothing yet. Try <code>${ownCommand()} demo</code> in another shell.</p>`
        : html`<table>
            <tr><th>Category</th><th>Subcategory</th><th class="number">Metrics</th><th class="number">Series</th></tr>
            ${categories.map(
              (row) =>
                html`<tr>
                  <td>${row.category}</td><td>${row.subcategory}</td>
                  <td class="number">${row.metrics}</td><td class="number">${row.series}</td>
                </tr>`,
            )}
          </table>`
    }
    <p>Version ${status.version}, up ${Math.floor(status.uptimeS)} s. <a href="/api/status">status as JSON</a>, <a href="/docs/">documentation</a></p>
  </body>
</html>`;
}

function describeList(title: string, lines: readonly string[]) {
  if (lines.length === 0) return '';
  return html`<h2>${title}</h2>
    <ul>
      ${lines.map((line) => html`<li>${line}</li>`)}
    </ul>`;
}
