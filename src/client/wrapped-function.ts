/**
 * Times the calls of a function. Enters: a name and a function; leaves: the same function, each of whose calls is one
 * value of response_time when it returns, throws, or its promise settles. It changes neither results nor errors.
 */
import type { Attributes } from '@opentelemetry/api';
import { CLIENT_METRICS } from './client-metrics.js';
import { collectAttributes, type RecorderCore } from './recorder-core.js';

// biome-ignore lint/suspicious/noExplicitAny: any function may be wrapped, whatever its arguments
export type AnyFunction = (this: any, ...args: any[]) => any;

export function wrapFunction<Fn extends AnyFunction>(
  core: RecorderCore,
  name: string,
  fn: Fn,
  attributes: Attributes | undefined,
): Fn {
  const wrapped = function (this: unknown, ...args: unknown[]): unknown {
    const startMs = core.now();
    const collected = collectAttributes(core, attributes);
    const record = (success: boolean, failure: Attributes = {}) =>
      core.write(CLIENT_METRICS.responseTime, (core.now() - startMs) / 1000, {
        ...collected,
        ...failure,
        endpoint: name,
        success,
      });
    return follow(
      () => fn.apply(this, args),
      () => record(true),
      (error) => record(false, { 'error.type': nameError(error) }),
    );
  };
  return wrapped as Fn;
}

/** Calls, and tells how it ended: at once, or when the promise that it gave settles. */
export function follow(
  call: () => unknown,
  onResult: (result: unknown) => void,
  onError: (error: unknown) => void,
): unknown {
  let result: unknown;
  try {
    result = call();
  } catch (error) {
    onError(error);
    throw error;
  }
  if (!isPromise(result)) {
    onResult(result);
    return result;
  }
  return result.then(
    (value) => {
      onResult(value);
      return value;
    },
    (error: unknown) => {
      onError(error);
      throw error;
    },
  );
}

/** The class of an error, as error.type: never its message. */
export function nameError(error: unknown): string {
  return error instanceof Error && error.name !== '' ? error.name : '_OTHER';
}

function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as Promise<unknown> | undefined)?.then === 'function';
}
