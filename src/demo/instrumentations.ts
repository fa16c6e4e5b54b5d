/**
 * Switches the real instrumentations on: HTTP (server and client durations), the Node runtime and the host. Enters a
 * MeterProvider and which requests belong to the shop; leaves a function that switches them off again. The HTTP
 * instrumentation patches Node's http module for the whole process, so there is one of it and one user at a time.
 */
import type { IncomingMessage, RequestOptions } from 'node:http';
import { createRequire } from 'node:module';
import { context, type MeterProvider } from '@opentelemetry/api';
import { HostMetrics } from '@opentelemetry/host-metrics';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { createContextManager } from './async-context.js';

export interface OwnRequests {
  isIncoming(request: IncomingMessage): boolean;
  isOutgoing(request: RequestOptions): boolean;
}

/** Without the network group, which starts shell commands at every export. */
const HOST_METRIC_GROUPS = ['system.cpu', 'system.memory', 'process.cpu', 'process.memory'];

let http: HttpInstrumentation | undefined;

/** `httpProvider`: for the HTTP instrumentation alone. */
export function enableInstrumentations(
  provider: MeterProvider,
  httpProvider: MeterProvider,
  own: OwnRequests,
): () => void {
  context.setGlobalContextManager(createContextManager());
  const hooks = {
    ignoreIncomingRequestHook: (request: IncomingMessage) => !own.isIncoming(request),
    ignoreOutgoingRequestHook: (request: RequestOptions) => !own.isOutgoing(request),
  };
  const instrumentation = http ?? new HttpInstrumentation(hooks);
  if (http === undefined) createRequire(import.meta.url)('node:http');
  http = instrumentation;
  instrumentation.setConfig(hooks);
  instrumentation.setMeterProvider(httpProvider);
  instrumentation.enable();

  const runtime = new RuntimeNodeInstrumentation();
  runtime.setMeterProvider(provider);
  new HostMetrics({ meterProvider: provider, metricGroups: HOST_METRIC_GROUPS }).start();
  return () => {
    instrumentation.disable();
    runtime.disable();
    context.disable();
  };
}
