/**
 * Batched collection. Enters: values through the trackers of a batch; leaves: the same values, recorded together when the
 * batch is flushed: by hand, at an interval, when it is full, or before startPlumbline sends. Until then a batch can be
 * discarded whole. Values keep the attributes they came with; their time is that of the flush.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ClientMetric } from './client-metrics.js';
import type { Write } from './instruments.js';

export interface BatchOptions {
  /** Flush at this interval, milliseconds; without it only by hand, when full and before startPlumbline sends. */
  intervalMs?: number;
  /** Values at which a batch flushes by itself. */
  valuesMax?: number;
}

export interface BatchControl {
  /** Values that wait. */
  readonly size: number;
  /** Records every value that waits, in the order they came. */
  flush(): void;
  /** Forgets every value that waits. */
  discard(): void;
  /** Flushes, and ends the interval. The batch can still be used by hand. */
  stop(): void;
}

const VALUES_MAX = 10_000;

/** Batches with values that wait. */
const waiting = new Set<BatchControl>();

export function flushBatches(): void {
  for (const batch of [...waiting]) batch.flush();
}

export function createBatchWrite(
  write: Write,
  { intervalMs, valuesMax = VALUES_MAX }: BatchOptions,
): { write: Write; control: BatchControl } {
  let values: [ClientMetric, number, Attributes][] = [];
  const timer = intervalMs === undefined ? undefined : setInterval(() => control.flush(), intervalMs);
  // In Node a waiting batch alone is no reason to go on; a browser's timer is a number.
  (timer as { unref?: () => void } | undefined)?.unref?.();

  const control: BatchControl = {
    get size() {
      return values.length;
    },
    flush() {
      const flushed = values;
      control.discard();
      for (const value of flushed) write(...value);
    },
    discard() {
      values = [];
      waiting.delete(control);
    },
    stop() {
      clearInterval(timer);
      control.flush();
    },
  };
  return {
    control,
    write(...value) {
      values.push(value);
      if (values.length >= valuesMax) control.flush();
      else waiting.add(control);
    },
  };
}
