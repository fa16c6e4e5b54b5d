/**
 * Who may use the web port. Enters: requests; leaves: the role of whoever asks, for what comes after, or a refusal: JSON for
 * programs, a page to log in for people. A program shows a bearer token; a person shows one once and has a session then, whose
 * cookie no script reads and no other site sends. It also gives every answer its security headers.
 */
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono, type MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { Role } from '../model/roles.js';
import { digestToken } from '../model/token-digests.js';
import { type CredentialProblem, type RoleCheck, readBearer } from './credentials.js';
import { renderLoginPage } from './login-page.js';
import { createRequestGuard } from './request-guard.js';
import { createWebSessions, SESSION_MAX_MS } from './web-sessions.js';

/** `role` is undefined where the port asks for no credential. */
export type WebEnvironment = { Bindings: HttpBindings; Variables: { role: Role | undefined } };

export interface WebAccessOptions {
  host: string;
  /** Where set, everything but the paths of watchdogs needs a token of one of its roles. */
  roles: RoleCheck | undefined;
  /** Called where a token was shown and is not accepted. */
  onUnauthenticated: (problem: CredentialProblem, peer: string) => void;
  allowedHosts: readonly string[];
  allowedOrigins: readonly string[];
  nowUnixMs: () => number;
}

/** What watchdogs ask. */
const OPEN_PATHS = ['/healthz', '/readyz'];
const LOGIN = '/login';
const COOKIE = 'plumbline_session';
/** Forms and confirmations are small. */
const BODY_BYTES_MAX = 8_192;
const HEADERS = {
  'Content-Security-Policy':
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  // Not no-referrer: a browser would send `Origin: null` with the form to log in.
  'Referrer-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
};
const TEXTS: Record<CredentialProblem, string> = {
  token_missing:
    'a token is needed: send "Authorization: Bearer <token>"; commands of plumbline take it from PLUMBLINE_TOKEN',
  token_not_accepted:
    'this token is none of PLUMBLINE_READ_TOKENS and PLUMBLINE_ADMIN_TOKENS, nor of their files',
};
const CHALLENGES: Record<CredentialProblem, string> = {
  token_missing: 'Bearer realm="plumbline"',
  token_not_accepted: 'Bearer realm="plumbline", error="invalid_token"',
};

/** Comes before every route of the port; has /login and /logout itself. */
export function createWebAccess(options: WebAccessOptions): Hono<WebEnvironment> {
  const { roles, onUnauthenticated } = options;
  const guard = createRequestGuard({
    ...options,
    isProtected: roles !== undefined,
    openPaths: OPEN_PATHS,
    isPage: (path) => !path.startsWith('/api/'),
  });
  const app = new Hono<WebEnvironment>();
  app.use(addHeaders);
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(guard.corsHeaders(c.env.incoming))) c.header(name, value);
    const refusal = guard.findRefusal(c.env.incoming, c.req.path);
    if (refusal !== undefined) return c.json({ error: refusal }, 403);
    const isPreflight = c.req.method === 'OPTIONS' && c.req.header('origin') !== undefined;
    if (isPreflight) return c.body(null, 204);
    return next();
  });
  app.use(bodyLimit({ maxSize: BODY_BYTES_MAX, onError: refuseBody }));
  if (roles === undefined) return app;

  const sessions = createWebSessions(options.nowUnixMs);
  const peerOf = (c: Context<WebEnvironment>) => c.env.incoming.socket.remoteAddress ?? 'an unknown address';
  app.get(LOGIN, (c) => showLogin(c, '/', false, 200));
  app.post(LOGIN, async (c) => {
    const form = await c.req.parseBody();
    const next = readPath(form.next);
    const digest = digestToken(String(form.token ?? ''));
    if (roles.findRole(digest) === undefined) {
      onUnauthenticated('token_not_accepted', peerOf(c));
      return showLogin(c, next, true, 401);
    }
    setCookie(c, COOKIE, sessions.open(digest), {
      path: '/',
      httpOnly: true,
      sameSite: 'Strict',
      secure: isEncrypted(c),
      maxAge: SESSION_MAX_MS / 1000,
    });
    return c.redirect(next, 303);
  });
  app.post('/logout', (c) => {
    sessions.close(getCookie(c, COOKIE) ?? '');
    deleteCookie(c, COOKIE, { path: '/' });
    return c.redirect(LOGIN, 303);
  });
  app.use(async (c, next) => {
    if (OPEN_PATHS.includes(c.req.path)) return next();
    const shown = readBearer(c.env.incoming.headers);
    const digest = shown === undefined ? sessions.find(getCookie(c, COOKIE) ?? '') : digestToken(shown);
    const role = digest && roles.findRole(digest);
    if (role !== undefined) {
      c.set('role', role);
      return next();
    }
    if (shown === undefined && c.req.header('accept')?.includes('text/html')) {
      return showLogin(c, c.req.path, false, 401);
    }
    const problem = shown === undefined ? 'token_missing' : 'token_not_accepted';
    if (shown !== undefined) onUnauthenticated(problem, peerOf(c));
    c.header('WWW-Authenticate', CHALLENGES[problem]);
    return c.json({ error: TEXTS[problem] }, 401);
  });
  return app;
}

/** Answers that say something else themselves keep it. */
const addHeaders: MiddlewareHandler<WebEnvironment> = async (c, next) => {
  await next();
  for (const [name, value] of Object.entries(HEADERS)) {
    if (!c.res.headers.has(name)) c.res.headers.set(name, value);
  }
};

function refuseBody(c: Context) {
  return c.json({ error: `a request may have ${BODY_BYTES_MAX} bytes here` }, 413);
}

function showLogin(c: Context<WebEnvironment>, next: string, isRefused: boolean, status: 200 | 401) {
  const isFromElsewhere = c.req.header('sec-fetch-site') === 'cross-site';
  return c.html(renderLoginPage({ next, isRefused, isFromElsewhere }), status);
}

/** A path of this port, whatever the form says: nobody is sent elsewhere after logging in. */
function readPath(value: unknown): string {
  const base = 'http://plumbline';
  if (typeof value !== 'string' || !value.startsWith('/') || !URL.canParse(value, base)) return '/';
  const { origin, pathname } = new URL(value, base);
  return origin === base && !pathname.startsWith('//') ? pathname : '/';
}

/** A proxy for TLS says so. Whoever lies about it has a cookie that their own browser does not send. */
function isEncrypted(c: Context<WebEnvironment>): boolean {
  return 'encrypted' in c.env.incoming.socket || c.req.header('x-forwarded-proto') === 'https';
}
