/**
 * What goes wrong in the shop and when. Enters randomness and a time range; leaves, for any moment, the incidents under
 * way and what they do to a service. The live shop and the generated history read the same kind of incident.
 */
import type { Random } from './random.js';
import { SERVICES, type ServiceName } from './shop-model.js';

export interface Incident {
  /** For people: which kind of trouble this is. */
  kind: 'slow' | 'errors' | 'outage';
  service: ServiceName | 'all';
  startUnixMs: number;
  endUnixMs: number;
  /** Multiplies latencies. */
  slowFactor: number;
  /** Added to the share of failing requests. */
  errorShare: number;
}

export type FindIncidents = (unixMs: number) => readonly Incident[];

export interface Conditions {
  slowFactor: number;
  errorShare: number;
  isDown: boolean;
}

/** Share of requests that fail on a good day. */
const ERROR_SHARE_BASE = 0.004;

export function readConditions(
  incidents: readonly Incident[],
  service: ServiceName | 'payments',
): Conditions {
  const conditions: Conditions = { slowFactor: 1, errorShare: ERROR_SHARE_BASE, isDown: false };
  for (const incident of incidents) {
    if (incident.service !== 'all' && incident.service !== service) continue;
    conditions.slowFactor *= incident.slowFactor;
    conditions.errorShare += incident.errorShare;
    conditions.isDown ||= incident.kind === 'outage';
  }
  return conditions;
}

/** Spells of some seconds, for ever: the first hits the whole shop 2 s after the start, the next come minutes apart. */
export function createLiveSpells(random: Random, startUnixMs: number): FindIncidents {
  let spell: Incident = {
    kind: 'slow',
    service: 'all',
    startUnixMs: startUnixMs + 2_000,
    endUnixMs: startUnixMs + 10_000,
    slowFactor: 8,
    errorShare: 0.05,
  };
  return (unixMs) => {
    while (unixMs >= spell.endUnixMs) {
      const durationMs = 8_000 + random.uniform() * 15_000;
      spell = drawIncident(random, spell.endUnixMs + 45_000 + random.exponential(60_000), durationMs);
    }
    return unixMs >= spell.startUnixMs ? [spell] : [];
  };
}

/** About one incident in 18 hours of history, of 5 to 50 minutes, with one outage of the whole shop at 60 %. */
export function planHistoryIncidents(random: Random, fromUnixMs: number, toUnixMs: number): FindIncidents {
  const spanMs = toUnixMs - fromUnixMs;
  const incidents: Incident[] = [];
  const count = Math.max(2, Math.round(spanMs / (18 * 3_600_000)));
  for (let i = 0; i < count; i++) {
    const startUnixMs = fromUnixMs + ((i + random.uniform() * 0.7) / count) * spanMs;
    const durationMs = Math.min(spanMs / 20, 300_000 + random.uniform() * 2_700_000);
    incidents.push(drawIncident(random, startUnixMs, durationMs));
  }
  const outageUnixMs = fromUnixMs + 0.6 * spanMs;
  const outageMs = Math.min(spanMs / 50, 420_000);
  incidents.push({
    kind: 'outage',
    service: 'all',
    startUnixMs: outageUnixMs,
    endUnixMs: outageUnixMs + outageMs,
    slowFactor: 1,
    errorShare: 1,
  });
  return (unixMs) =>
    incidents.filter((incident) => unixMs >= incident.startUnixMs && unixMs < incident.endUnixMs);
}

function drawIncident(
  random: Random,
  startUnixMs: number,
  durationMs: number,
  kind: 'slow' | 'errors' = random.chance(0.6) ? 'slow' : 'errors',
): Incident {
  return {
    kind,
    service: random.chance(0.25) ? 'all' : random.pick(SERVICES),
    startUnixMs,
    endUnixMs: startUnixMs + durationMs,
    slowFactor: kind === 'slow' ? 5 + random.uniform() * 5 : 1.5,
    errorShare: kind === 'slow' ? 0.03 : 0.08 + random.uniform() * 0.1,
  };
}
