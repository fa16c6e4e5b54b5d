/**
 * /api/retention of the web port: what is kept for how long, the plan of a change, and the change itself. A port that asks for
 * tokens shows it to readers and lets admins change it; where nobody has the role admin, changes are for readers on the machine
 * of the server, and a port that asks for nothing answers on that machine only. A change needs the confirmation of the plan that
 * was shown, so that nothing is deleted unseen.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { UserError } from '../model/errors.js';
import type { RetentionAccess } from '../model/retention.js';
import type { WebEnvironment } from './web-access.js';

const consent = z.strictObject({
  plannedAtMs: z.number().int().nonnegative(),
  confirmation: z.string().min(1),
});

/** @param hasAdmins Whether anybody has the role admin. */
export function createRetentionApi(retention: RetentionAccess, hasAdmins: boolean): Hono<WebEnvironment> {
  const api = new Hono<WebEnvironment>();
  api.use(async (c, next) => {
    const role = c.get('role');
    const isChange = c.req.method === 'POST';
    if (role === 'admin' || (role === 'read' && !isChange)) return next();
    if (role === 'read' && hasAdmins) {
      return c.json({ error: 'only a token of PLUMBLINE_ADMIN_TOKENS changes the retention' }, 403);
    }
    if (isFromHere(c)) return next();
    const error =
      role === undefined
        ? 'retention is shown and changed only on the machine of the server: run "plumbline retention" there'
        : 'retention is changed only on the machine of the server, or with a token of PLUMBLINE_ADMIN_TOKENS';
    return c.json({ error }, 403);
  });
  api.get('/', async (c) => c.json(await retention.report()));
  api.get('/plan', async (c) => c.json(await retention.plan()));
  api.post('/', async (c) => {
    const body = consent.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) {
      const error =
        'a change is { "plannedAtMs": …, "confirmation": "…" } of what GET /api/retention/plan said';
      return c.json({ error }, 400);
    }
    return c.json(await retention.apply(body.data));
  });
  api.onError((error, c) => {
    if (!(error instanceof UserError)) throw error;
    return c.json({ error: error.message }, 409);
  });
  return api;
}

/**
 * A connection of this machine with itself. Proxies on it speak for others, and so do pages in a browser: those name where
 * they are from, or reach this port under a name that its owner made up.
 */
function isFromHere(c: Context<WebEnvironment>): boolean {
  const { socket, headers } = c.env.incoming;
  const speaksForOthers = ['forwarded', 'x-forwarded-for', 'via', 'origin'].some((name) => name in headers);
  return isOwnSocket(socket) && !speaksForOthers && isOwnName(headers.host ?? '');
}

function isOwnSocket({ remoteAddress = '', localAddress }: Socket): boolean {
  const plain = remoteAddress.replace(/^::ffff:/, '');
  return plain === '::1' || (isIP(plain) === 4 && plain.startsWith('127.')) || remoteAddress === localAddress;
}

function isOwnName(host: string): boolean {
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return name === 'localhost' || isIP(name) !== 0;
}
