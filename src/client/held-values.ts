/**
 * Values that are recorded while startPlumbline loads its SDK. Enters: writes; leaves: the same writes in the same order,
 * under the context they came with, once the SDK is registered. Holds only in between, and at most VALUES_MAX.
 */
import { context, diag } from '@opentelemetry/api';

const VALUES_MAX = 10_000;

let held: (() => void)[] | undefined;

/** From now on values are held, until they are released. */
export function holdValues(): void {
  held ??= [];
}

export function isHoldingValues(): boolean {
  return held !== undefined;
}

/** Keeps a write for later. */
export function holdValue(write: () => void): void {
  if (held === undefined) return;
  if (held.length < VALUES_MAX) held.push(context.bind(context.active(), write));
  else if (held.length === VALUES_MAX) {
    held.push(() =>
      diag.warn(`plumbline: more than ${VALUES_MAX} values came while starting; the rest is lost`),
    );
  }
}

/** Does every held write. Without an SDK by now they come to nothing, like any value without an SDK. */
export function releaseValues(): void {
  const writes = held ?? [];
  held = undefined;
  for (const write of writes) write();
}
