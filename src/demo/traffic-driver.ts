/**
 * Sends real HTTP requests to the shop at a rate that follows the rhythm of the day, with gaps as random as people's.
 * Enters a rate and randomness; leaves requests, and each answer to whoever wants it. When the shop cannot keep up it
 * holds requests back rather than pile them up.
 */
import type { Clock } from './clock.js';
import { createHttpCaller } from './http-client.js';
import type { Random } from './random.js';
import { drawPath, ROUTES } from './shop-model.js';
import { readRatePerSecond } from './traffic-rhythm.js';
import type { Answer } from './visitors.js';

/** Requests under way at most. */
const IN_FLIGHT_MAX = 2_000;
/** After a pause longer than this (a suspended laptop) the missed requests are not made up for. */
const CATCH_UP_MAX_MS = 1_000;

export interface TrafficOptions {
  shopPort: number;
  /** Requests per second at the start; later it follows the rhythm of the day. */
  ratePerSecond: number;
  random: Random;
  clock: Clock;
  onSent(): void;
  onAnswer(answer: Answer): void;
}

export interface TrafficDriver {
  /** Sends nothing more; resolves when every answer has come. */
  stop(): Promise<void>;
}

export function startTraffic(options: TrafficOptions): TrafficDriver {
  const { clock, random } = options;
  const caller = createHttpCaller(IN_FLIGHT_MAX);
  const inFlight = new Set<Promise<void>>();
  let timer: NodeJS.Timeout;
  const startUnixMs = clock.unixMs();
  let nextMs = clock.monotonicMs();

  const send = async (): Promise<void> => {
    const route = random.pickWeighted(ROUTES);
    const sentMs = clock.monotonicMs();
    options.onSent();
    const statusCode = await caller.call(route.method, options.shopPort, drawPath(route, random));
    options.onAnswer({ route, statusCode, durationMs: clock.monotonicMs() - sentMs });
  };
  const drawGapMs = (): number =>
    random.exponential(1000 / readRatePerSecond(clock.unixMs(), options.ratePerSecond, startUnixMs));
  const sendDue = (): void => {
    const nowMs = clock.monotonicMs();
    if (nowMs - nextMs > CATCH_UP_MAX_MS) nextMs = nowMs;
    for (; nextMs <= nowMs; nextMs += drawGapMs()) {
      if (inFlight.size >= IN_FLIGHT_MAX) continue;
      const request = send();
      inFlight.add(request);
      void request.finally(() => inFlight.delete(request));
    }
    timer = setTimeout(sendDue, Math.max(1, nextMs - nowMs));
  };
  sendDue();
  return {
    async stop() {
      clearTimeout(timer);
      await Promise.all(inFlight);
      caller.close();
    },
  };
}
