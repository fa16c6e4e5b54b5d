/**
 * The payment provider that the shop calls for every order: a second real HTTP server in the same process, but not part
 * of the shop's telemetry. Enters charges; leaves 200, or 502 when the provider fails.
 */
import { setTimeout as waitMs } from 'node:timers/promises';
import type { Clock } from './clock.js';
import { type LocalServer, sendJson, startLocalServer } from './http-server.js';
import { type FindIncidents, readConditions } from './incidents.js';
import type { Random } from './random.js';
import { PAYMENT } from './shop-model.js';

export function startPaymentServer(
  random: Random,
  clock: Clock,
  findIncidents: FindIncidents,
): Promise<LocalServer> {
  return startLocalServer(async (request, response) => {
    const conditions = readConditions(findIncidents(clock.unixMs()), 'payments');
    if (request.url === '/healthz') return sendJson(response, conditions.isDown ? 503 : 200, {});
    await waitMs(random.logNormal(PAYMENT.medianMs, PAYMENT.sigma));
    if (random.chance(PAYMENT.failureShare))
      return sendJson(response, 502, { error: 'provider unreachable' });
    sendJson(response, 200, { charged: true });
  });
}
