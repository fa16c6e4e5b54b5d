/**
 * Attributes that go along with the work a function does, across awaits. They travel in the OpenTelemetry context. An app
 * without a context manager has them carried by Node's AsyncLocalStorage; a browser without one keeps them until the
 * function returns, which for an async function is its first await.
 */
import { type Attributes, context, createContextKey } from '@opentelemetry/api';

interface Carrier {
  run<Result>(attributes: Attributes, fn: () => Result): Result;
  getStore(): Attributes | undefined;
}

const KEY = createContextKey('plumbline attributes');
let carrier: Carrier | undefined;

export function readAmbientAttributes(): Attributes | undefined {
  return (context.active().getValue(KEY) as Attributes | undefined) ?? carrier?.getStore();
}

export function runWithAttributes<Result>(attributes: Attributes, fn: () => Result): Result {
  const all = { ...readAmbientAttributes(), ...attributes };
  const carried = context.active().setValue(KEY, all);
  return context.with(carried, () => {
    if (context.active() === carried) return fn();
    carrier ??= createCarrier();
    return carrier.run(all, fn);
  });
}

interface NodeProcess {
  getBuiltinModule?: (name: string) => { AsyncLocalStorage: new () => Carrier } | undefined;
}

function createCarrier(): Carrier {
  const { process } = globalThis as { process?: NodeProcess };
  const hooks = process?.getBuiltinModule?.('node:async_hooks');
  return hooks === undefined ? createSynchronousCarrier() : new hooks.AsyncLocalStorage();
}

function createSynchronousCarrier(): Carrier {
  let store: Attributes | undefined;
  return {
    getStore: () => store,
    run(attributes, fn) {
      const before = store;
      store = attributes;
      try {
        return fn();
      } finally {
        store = before;
      }
    },
  };
}
