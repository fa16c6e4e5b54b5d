/**
 * The shop: a real HTTP server whose answers take realistic time and sometimes fail. Enters requests; leaves answers,
 * and the metrics of the table's `shop.api` that a service records about itself. Durations are measured, never made up.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as waitMs } from 'node:timers/promises';
import { context } from '@opentelemetry/api';
import { getRPCMetadata } from '@opentelemetry/core';
import type { Clock } from './clock.js';
import { createHttpCaller } from './http-client.js';
import { type LocalServer, sendJson, startLocalServer } from './http-server.js';
import { type FindIncidents, readConditions } from './incidents.js';
import type { Random } from './random.js';
import type { Recorder } from './recorder.js';
import {
  ERROR_MIX,
  type ErrorType,
  findRoute,
  LATENCY_TAIL,
  PAYMENT,
  PRODUCTS_MAX,
  REQUEST_TIMEOUT_MS,
  type Route,
  readMedianMs,
  type ServiceName,
  STATUS_OF_ERROR,
} from './shop-model.js';
import { readTrafficFactor } from './traffic-rhythm.js';

export interface ShopOptions {
  recorder: Recorder;
  random: Random;
  clock: Clock;
  findIncidents: FindIncidents;
  paymentPort: number;
  /** Told about each answer (not about health checks). */
  onAnswer(service: ServiceName, isGood: boolean): void;
}

/** An answer: the error where it failed, otherwise the status code. */
type Outcome = { errorType: ErrorType } | { statusCode: number };

const PAYMENT_SOCKETS_MAX = 128;

export async function startShop(options: ShopOptions): Promise<LocalServer> {
  const caller = createHttpCaller(PAYMENT_SOCKETS_MAX);
  const shop: Shop = { ...options, charge: () => caller.call('POST', options.paymentPort, PAYMENT.path) };
  const server = await startLocalServer((request, response) => answer(shop, request, response));
  return {
    port: server.port,
    async stop() {
      await server.stop();
      caller.close();
    },
  };
}

type Shop = ShopOptions & { charge(): Promise<number> };

async function answer(shop: Shop, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  if (path === '/healthz') return answerHealthCheck(shop, response);
  const route = findRoute(request.method ?? 'GET', path);
  if (route === undefined) return sendJson(response, 404, { error: `nothing at ${path}` });
  nameRoute(route.endpoint);
  const protocol = { 'http.request.method': route.method, 'url.scheme': 'http' };
  shop.recorder.record('http.server.active_requests', 1, protocol);
  const arrivedMs = shop.clock.monotonicMs();
  const outcome = await work(shop, route, path);
  recordAnswer(shop, route, shop.clock.monotonicMs() - arrivedMs, outcome);
  shop.recorder.record('http.server.active_requests', -1, protocol);
  const statusCode = 'errorType' in outcome ? STATUS_OF_ERROR[outcome.errorType] : outcome.statusCode;
  sendJson(response, statusCode, 'errorType' in outcome ? { error: outcome.errorType } : { ok: true });
}

function answerHealthCheck(shop: Shop, response: ServerResponse): void {
  nameRoute('/healthz');
  const { isDown } = readConditions(shop.findIncidents(shop.clock.unixMs()), 'catalogue');
  sendJson(response, isDown ? 503 : 200, { isDown });
}

/** Takes the time that the route takes under the present conditions, and fails as often. */
async function work(shop: Shop, route: Route, path: string): Promise<Outcome> {
  const unixMs = shop.clock.unixMs();
  const conditions = readConditions(shop.findIncidents(unixMs), route.service);
  if (conditions.isDown) return { errorType: 'overload' };
  const medianMs = readMedianMs(route.medianMs, readTrafficFactor(unixMs), conditions.slowFactor);
  const tailFactor = shop.random.chance(LATENCY_TAIL.share) ? LATENCY_TAIL.factor : 1;
  const durationMs = shop.random.logNormal(medianMs, route.sigma) * tailFactor;
  if (shop.random.chance(conditions.errorShare)) return fail(shop, durationMs);
  await waitMs(Math.min(durationMs, REQUEST_TIMEOUT_MS));
  if (durationMs >= REQUEST_TIMEOUT_MS) return { errorType: 'timeout' };
  if (route.task === 'place_order') {
    const statusCode = await shop.charge();
    return statusCode === 200 ? { statusCode: 201 } : { errorType: 'upstream' };
  }
  const productId = Number(path.split('/')[2] ?? 0);
  return { statusCode: productId > PRODUCTS_MAX ? 404 : 200 };
}

async function fail(shop: Shop, durationMs: number): Promise<Outcome> {
  const { type } = shop.random.pickWeighted(ERROR_MIX);
  if (type === 'timeout') await waitMs(REQUEST_TIMEOUT_MS);
  if (type === 'exception') await waitMs(Math.min(durationMs, REQUEST_TIMEOUT_MS) * shop.random.uniform());
  return { errorType: type };
}

function recordAnswer(shop: Shop, route: Route, durationMs: number, outcome: Outcome): void {
  const place = { service: route.service, endpoint: route.endpoint };
  const isError = 'errorType' in outcome;
  shop.recorder.record('response_time', durationMs, { ...place, success: !isError });
  shop.recorder.record('throughput', 1, place);
  if (isError) shop.recorder.record('error_rate', 1, { ...place, error_type: outcome.errorType });
  shop.onAnswer(route.service, !isError);
}

/** Tells the http instrumentation the route, as a web framework would. */
function nameRoute(route: string): void {
  const metadata = getRPCMetadata(context.active());
  if (metadata !== undefined) metadata.route = route;
}
