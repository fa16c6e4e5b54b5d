/**
 * History of the machine the shop ran on: health checks, use of resources, requests under way, and the most used metrics
 * of the runtime and host instrumentations, by the names, units and scopes of those packages. Enters steps; leaves
 * filled series.
 */
import { createRequire } from 'node:module';
import type { Attributes } from '@opentelemetry/api';
import { readConditions } from '../incidents.js';
import type { InstrumentKind } from '../metric-definition.js';
import { findMetric } from '../metric-table.js';
import type { HistoryBook, HistoryMetric } from './book.js';
import { createDiscrete } from './distribution.js';
import { HTTP_BOUNDS_S, openServerDuration } from './http-durations.js';
import type { RouteStep, Step } from './step.js';

const RUNTIME = '@opentelemetry/instrumentation-runtime-node';
const HOST = '@opentelemetry/host-metrics';
const MEMORY_BYTES = 8 * 2 ** 30;

type Advance = (step: Step, done: readonly RouteStep[]) => void;

export function createMachineHistory(book: HistoryBook): Advance {
  const parts = [createHealth(book), createActiveRequests(book), createResources(book)];
  return (step, done) => {
    for (const advance of parts) advance(step, done);
  };
}

/** A check a second of the shop and of the payment provider. */
function createHealth(book: HistoryBook): Advance {
  const shop = book.gauge(findMetric('availability'), { service: 'shop-storefront' });
  const payments = book.gauge(findMetric('availability'), { service: 'payments' });
  const healthz = { method: 'GET', endpoint: '/healthz' } as const;
  const good = openServerDuration(book, healthz, 200);
  const bad = openServerDuration(book, healthz, 503);
  const quick = createDiscrete([{ value: 0.001, weight: 1 }], HTTP_BOUNDS_S);
  return (step) => {
    const { isDown } = readConditions(step.incidents, 'catalogue');
    const checks = Math.max(1, Math.round(step.durationMs / 1000));
    const lost = step.random.binomial(checks, 0.0001);
    shop.set(isDown ? 0 : (checks - lost) / checks);
    payments.set(isDown ? 0 : (checks - step.random.binomial(checks, 0.0002)) / checks);
    good.observe(quick, isDown ? 0 : checks, step.random);
    bad.observe(quick, isDown ? checks : 0, step.random);
  };
}

/** Requests under way at the end of the step: arrivals per second times the time each takes. */
function createActiveRequests(book: HistoryBook): Advance {
  const methods = (['GET', 'POST'] as const).map((method) => ({
    method,
    series: book.gauge(findMetric('http.server.active_requests'), {
      'http.request.method': method,
      'url.scheme': 'http',
    }),
  }));
  return (step, done) => {
    for (const { method, series } of methods) {
      const busyMs = done
        .filter(({ route }) => route.method === method)
        .reduce((sum, { requests, medianMs }) => sum + requests * medianMs, 0);
      series.set(step.random.poisson(busyMs / step.durationMs));
    }
  };
}

function createResources(book: HistoryBook): Advance {
  const utilization = (resource: string) => book.gauge(findMetric('resource_utilization'), { resource });
  const [cpu, memory, eventLoop] = [utilization('cpu'), utilization('memory'), utilization('event_loop')];
  const loop = book.gauge(observed(RUNTIME, 'nodejs.eventloop.utilization', '1', 'gauge'), {});
  const delay = book.gauge(observed(RUNTIME, 'nodejs.eventloop.delay.p99', 's', 'gauge'), {});
  const seconds = book.counter(observed(HOST, 'process.cpu.time', 's', 'counter'), user());
  const share = book.gauge(observed(HOST, 'process.cpu.utilization', '', 'gauge'), user());
  const resident = book.gauge(observed(HOST, 'process.memory.usage', '', 'gauge'), {});
  const used = book.gauge(observed(HOST, 'system.memory.utilization', '', 'gauge'), {
    'system.memory.state': 'used',
  });
  return (step) => {
    const { random, trafficFactor } = step;
    const trouble = step.incidents.length > 0 ? 0.25 : 0;
    const cpuShare = clampShare(0.1 + 0.22 * trafficFactor + trouble + 0.02 * random.normal());
    const memoryShare = clampShare(0.52 + 0.06 * Math.sin(step.unixMs / 9_000_000) + 0.01 * random.normal());
    const loopShare = clampShare(0.06 + 0.16 * trafficFactor + trouble + 0.02 * random.normal());
    cpu.set(cpuShare);
    memory.set(memoryShare);
    eventLoop.set(loopShare);
    loop.set(loopShare);
    delay.set(0.011 + 0.03 * loopShare ** 2);
    seconds.add((cpuShare * step.durationMs) / 1000);
    share.set(cpuShare);
    resident.set(Math.round(MEMORY_BYTES * 0.02 * (1 + 0.2 * trafficFactor)));
    used.set(memoryShare);
  };
}

function clampShare(value: number): number {
  return Math.min(0.99, Math.max(0.01, value));
}

function user(): Attributes {
  return { 'process.cpu.state': 'user' };
}

function observed(scope: string, name: string, unit: string, instrument: InstrumentKind): HistoryMetric {
  const { version } = createRequire(import.meta.url)(`${scope}/package.json`) as { version: string };
  return {
    name,
    unit,
    instrument,
    isInteger: false,
    description: '',
    program: 'storefront',
    component: scope,
    componentVersion: version,
  };
}
