/**
 * The web port: a plain page, the status as JSON, and /healthz and /readyz for whoever watches this process.
 * Enters: requests that web-access.ts let through; leaves: answers about the pipeline, never raw points. All it changes is the
 * retention, and that only for admins or whoever sits at this machine (retention-api.ts).
 */
import type { RequestListener } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import type { RetentionAccess } from '../model/retention.js';
import { createDocsPages } from './docs-pages.js';
import { renderPage } from './page.js';
import { createRetentionApi } from './retention-api.js';
import { createWebAccess, type WebAccessOptions, type WebEnvironment } from './web-access.js';

/** What the page shows; totals count since this process started. */
export interface Status {
  version: string;
  uptimeS: number;
  addresses: { grpc: string; http: string; sql: string; web: string };
  /** Why not everything works; see /readyz. */
  problems: string[];
  /** What somebody should look at, though everything works. */
  notices: string[];
  points: {
    accepted: number;
    rejected: number;
    /** Accepted with something wrong in them. */
    flagged: number;
    folded: number;
    stored: number;
    dropped: number;
  };
  requests: { answered: number; malformed: number; refused: number; unauthenticated: number };
  spool: {
    bytes: number;
    bytesMax: number;
    /** What lies in quarantine now, of earlier processes too. */
    quarantinedSegments: number;
    quarantinedBytes: number;
    /** Of damaged segments: what could not be read. */
    bytesLost: number;
  };
  rollups: { waiting: number };
  /** Active series, and how many may be (0 = unlimited). */
  series: { active: number; budget: number };
  categories: CategoryCount[];
}

export interface CategoryCount {
  category: string;
  subcategory: string;
  metrics: number;
  series: number;
}

export interface WebOptions {
  health: {
    /** Why the process can do its work no more. */
    readonly failure: string | undefined;
    /** Why not everything works, or why no points can be taken; none = ready. */
    findProblems(purpose: 'all' | 'ingest'): Promise<string[]>;
  };
  /** What somebody should look at, though everything works. */
  findNotices: () => Promise<string[]>;
  readStatus: () => Promise<Status>;
  retention: RetentionAccess;
  access: WebAccessOptions;
  /** Where the documentation lies, see docs-pages.ts. */
  docsFolders: readonly string[];
  onError: (error: Error) => void;
}

/** The request listener of the web port. */
export function createWebListener(options: WebOptions): RequestListener {
  return getRequestListener(createApp(options).fetch, { overrideGlobalObjects: false });
}

function createApp(options: WebOptions): Hono<WebEnvironment> {
  const { access, health, findNotices, docsFolders, readStatus, retention, onError } = options;
  const app = new Hono<WebEnvironment>();
  app.route('/', createWebAccess(access));
  // Alive: the event loop answers, and the engine can. Ready: everything works; for=ingest: points can be taken and kept.
  app.get('/healthz', (c) =>
    health.failure === undefined ? c.text('ok\n') : c.text(`${health.failure}\n`, 503),
  );
  app.get('/readyz', async (c) => {
    const purpose = c.req.query('for') ?? 'all';
    if (purpose !== 'all' && purpose !== 'ingest')
      return c.text(`for=${purpose}: must be all or ingest\n`, 400);
    const [problems, notices] = await Promise.all([
      health.findProblems(purpose),
      purpose === 'all' ? findNotices() : [],
    ]);
    const lines = [
      ...(problems.length === 0 ? ['ready'] : problems),
      ...notices.map((each) => `notice: ${each}`),
    ];
    return c.text(`${lines.join('\n')}\n`, problems.length === 0 ? 200 : 503);
  });
  app.get('/api/status', async (c) => c.json(await readStatus()));
  app.route('/api/retention', createRetentionApi(retention, access.roles?.hasAdmins ?? false));
  app.route('/', createDocsPages(docsFolders));
  app.get('/', async (c) => c.html(renderPage(await readStatus())));
  app.notFound((c) =>
    c.json(
      { error: `there is nothing at ${c.req.path}; try /, /docs/, /api/status, /healthz, /readyz` },
      404,
    ),
  );
  app.onError((error, c) => {
    onError(error);
    return c.json({ error: error.message }, 500);
  });
  return app;
}
