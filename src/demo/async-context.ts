/**
 * Keeps the OpenTelemetry context across awaits and events, so that the http instrumentation learns the route of a
 * request when its answer is closed. Enters functions and emitters; leaves them bound to a context.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';

type Listener = (...args: unknown[]) => void;

export function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (context, run, thisArg, ...args) => storage.run(context, () => run.apply(thisArg as never, args)),
    bind(context, target) {
      if (target instanceof EventEmitter) bindListeners(storage, context, target);
      if (typeof target !== 'function') return target;
      const bound = (...args: unknown[]): unknown => storage.run(context, () => target(...args));
      return bound as typeof target;
    },
    enable: () => manager,
    disable() {
      storage.disable();
      return manager;
    },
  };
  return manager;
}

/** From now on, listeners added to the emitter run in the context. `listener` lets Node find them for removal. */
function bindListeners(storage: AsyncLocalStorage<Context>, context: Context, emitter: EventEmitter): void {
  for (const method of ['on', 'addListener', 'prependListener'] as const) {
    const add = emitter[method];
    emitter[method] = function (this: EventEmitter, event: string | symbol, listener: Listener) {
      const run = function (this: unknown, ...args: unknown[]): void {
        storage.run(context, () => listener.apply(this, args));
      };
      return add.call(this, event, Object.assign(run, { listener: unwrap(listener) }));
    };
  }
}

function unwrap(listener: Listener): Listener {
  return (listener as { listener?: Listener }).listener ?? listener;
}
