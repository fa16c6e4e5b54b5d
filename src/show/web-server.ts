/**
 * The web port: a plain page, the status as JSON, and /healthz and /readyz for whoever watches this process.
 * Enters: GET requests; leaves: answers about the pipeline, never raw points. It changes nothing.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { Address, Component } from '../model/component.js';
import { renderPage } from './page.js';

/** What the page shows; totals count since this process started. */
export interface Status {
  version: string;
  uptimeS: number;
  addresses: { grpc: string; http: string; sql: string; web: string };
  points: { accepted: number; rejected: number; stored: number; dropped: number };
  requests: { answered: number; malformed: number; refused: number };
  spool: { bytes: number; bytesMax: number; quarantinedSegments: number };
  rollups: { waiting: number };
  categories: CategoryCount[];
}

export interface CategoryCount {
  category: string;
  subcategory: string;
  metrics: number;
  series: number;
}

export interface WebServerOptions {
  host: string;
  port: number;
  /** Problems that keep the pipeline from taking or storing points; none = ready. */
  findProblems: () => Promise<string[]>;
  readStatus: () => Promise<Status>;
  onError: (error: Error) => void;
}

export function createWebServer(options: WebServerOptions): Component & { address(): Address } {
  const server = createServer(getRequestListener(createApp(options).fetch));
  let isListening = false;
  return {
    start: () =>
      new Promise((done, fail) => {
        server.once('error', fail);
        server.listen(options.port, options.host, () => {
          isListening = true;
          server.off('error', fail);
          done();
        });
      }),
    shutdown: (deadlineMs) =>
      new Promise((done) => {
        if (!isListening) return done();
        isListening = false;
        const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
        server.close(() => {
          clearTimeout(timer);
          done();
        });
        server.closeIdleConnections();
      }),
    address: () => ({ host: options.host, port: (server.address() as AddressInfo).port }),
  };
}

function createApp({ findProblems, readStatus, onError }: WebServerOptions): Hono {
  const app = new Hono();
  // Alive: the event loop answers. Ready: points can be taken and stored.
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', async (c) => {
    const problems = await findProblems();
    return problems.length === 0 ? c.text('ready\n') : c.text(`${problems.join('\n')}\n`, 503);
  });
  app.get('/api/status', async (c) => c.json(await readStatus()));
  app.get('/', async (c) => c.html(renderPage(await readStatus())));
  app.notFound((c) =>
    c.json({ error: `there is nothing at ${c.req.path}; try /, /api/status, /healthz, /readyz` }, 404),
  );
  app.onError((error, c) => {
    onError(error);
    return c.json({ error: error.message }, 500);
  });
  return app;
}
