/**
 * Measures an HTTP handler: Node's (request, response), or one that is given a request and gives a Response, as those of
 * fetch servers and hono are. Enters: a handler; leaves: the same handler, with response_time, throughput and (for 5xx,
 * errors and requests given up before any answer) error_rate once per request. It never touches request or response.
 */
import type { Attributes } from '@opentelemetry/api';
import { describeProblem } from './argument-checks.js';
import { CLIENT_METRICS } from './client-metrics.js';
import { collectAttributes, type RecorderCore } from './recorder-core.js';
import { type AnyFunction, follow, nameError } from './wrapped-function.js';

/** A route, or how to find it from what the handler is given: never the address itself, which would be a series each. */
export type Endpoint<Handler extends AnyFunction> = string | ((request: Parameters<Handler>[0]) => string);

interface NodeResponse {
  statusCode: number;
  headersSent: boolean;
  once(event: 'finish' | 'close', listener: () => void): unknown;
}

interface Outcome {
  status?: number;
  errorType?: string;
}

/** Of the semantic conventions: others are _OTHER, because a client may send any word. */
const METHODS = new Set([
  'CONNECT',
  'DELETE',
  'GET',
  'HEAD',
  'OPTIONS',
  'PATCH',
  'POST',
  'PUT',
  'QUERY',
  'TRACE',
]);

export function wrapHandler<Handler extends AnyFunction>(
  core: RecorderCore,
  endpoint: Endpoint<Handler>,
  handler: Handler,
  attributes: Attributes | undefined,
): Handler {
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    const [request, response] = args;
    const startMs = core.now();
    const collected = collectAttributes(core, attributes);
    let isDone = false;
    const finish = (outcome: Outcome): void => {
      if (isDone) return;
      isDone = true;
      try {
        const route = typeof endpoint === 'string' ? endpoint : endpoint(request as Parameters<Handler>[0]);
        recordRequest(core, (core.now() - startMs) / 1000, outcome, {
          ...collected,
          ...describeRequest(request, route),
        });
      } catch (error) {
        core.onInvalid(describeProblem('instrumentHandler', error));
      }
    };
    const isNode = isNodeResponse(response);
    if (isNode) {
      response.once('finish', () => finish({ status: response.statusCode }));
      response.once('close', () =>
        finish(response.headersSent ? { status: response.statusCode } : { errorType: 'aborted' }),
      );
    }
    return follow(
      () => handler.apply(this, args),
      (result) => isNode || finish(readStatus(result)),
      (error) => finish({ errorType: nameError(error) }),
    );
  };
  return wrapped as Handler;
}

function recordRequest(core: RecorderCore, durationS: number, outcome: Outcome, place: Attributes): void {
  const { status } = outcome;
  const errorType = outcome.errorType ?? (status !== undefined && status >= 500 ? String(status) : undefined);
  const all: Attributes = {
    ...place,
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(errorType === undefined ? {} : { 'error.type': errorType }),
  };
  core.write(CLIENT_METRICS.responseTime, durationS, { ...all, success: errorType === undefined });
  core.write(CLIENT_METRICS.throughput, 1, all);
  if (errorType !== undefined) core.write(CLIENT_METRICS.errors, 1, { ...all, error_type: errorType });
}

function describeRequest(request: unknown, route: string): Attributes {
  const { method } = request as { method?: unknown };
  const { req } = request as { req?: { method?: unknown } };
  const word = method ?? req?.method;
  return {
    endpoint: route,
    'http.route': route,
    ...(typeof word === 'string' ? { 'http.request.method': METHODS.has(word) ? word : '_OTHER' } : {}),
  };
}

function readStatus(result: unknown): Outcome {
  const status = (result as { status?: unknown } | undefined)?.status;
  return typeof status === 'number' ? { status } : {};
}

function isNodeResponse(value: unknown): value is NodeResponse {
  const { once, headersSent } = (value ?? {}) as Partial<NodeResponse>;
  return typeof once === 'function' && typeof headersSent === 'boolean';
}
