/**
 * /api/retention of the web port: what is kept for how long, the plan of a change, and the change itself. Enters: requests
 * from the machine of the server, and no others: the port asks nobody who they are. A change needs the confirmation of the
 * plan that was shown, so that nothing is deleted unseen.
 */
import type { Socket } from 'node:net';
import { isIP } from 'node:net';
import type { HttpBindings } from '@hono/node-server';
import { type Context, Hono } from 'hono';
import { z } from 'zod';
import { UserError } from '../model/errors.js';
import type { RetentionAccess } from '../model/retention.js';

type Environment = { Bindings: HttpBindings };

const consent = z.strictObject({
  plannedAtMs: z.number().int().nonnegative(),
  confirmation: z.string().min(1),
});

export function createRetentionApi(retention: RetentionAccess): Hono<Environment> {
  const api = new Hono<Environment>();
  api.use(async (c, next) => {
    if (isFromHere(c)) return next();
    const error =
      'retention is shown and changed only on the machine of the server: run "plumbline retention" there';
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
function isFromHere(c: Context<Environment>): boolean {
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
