/**
 * Event-based collection: trackers that record only when a condition holds, or when an event comes. Enters: a tracker and
 * a condition or a source of events; leaves: a tracker of the same arguments, or a listener and the way to end it.
 */
import { diag } from '@opentelemetry/api';

// biome-ignore lint/suspicious/noExplicitAny: what a tracker takes is between it and who calls it
type Listener = (...args: any[]) => void;

/**
 * A tracker that records only when the condition holds for its arguments:
 * `when((endpoint, startTime, success) => !success, trackResponseTime)`. A condition that throws does not hold, and is
 * reported through diag.
 */
export function when<Tracker extends Listener>(
  condition: boolean | ((...args: Parameters<Tracker>) => boolean),
  tracker: Tracker,
): (...args: Parameters<Tracker>) => void {
  return (...args) => {
    if (holds(condition, args)) tracker(...args);
  };
}

function holds<Args extends readonly unknown[]>(
  condition: boolean | ((...args: Args) => boolean),
  args: Args,
): boolean {
  if (typeof condition === 'boolean') return condition;
  try {
    return condition(...args);
  } catch (error) {
    diag.error('plumbline: a condition of when() threw; nothing was recorded', error);
    return false;
  }
}

/** What has events: an element, a window, any EventTarget, or an EventEmitter of Node. */
export type EventSource = DomEventSource | NodeEventSource;

export interface DomEventSource {
  addEventListener(event: string, listener: Listener): void;
  removeEventListener(event: string, listener: Listener): void;
}

export interface NodeEventSource {
  on(event: string, listener: Listener): unknown;
  off(event: string, listener: Listener): unknown;
}

/** Calls the tracker with each event: `onEvent(queue, 'done', (job) => trackTask(job.name, true))`. Ends when told to. */
export function onEvent<Args extends readonly unknown[]>(
  source: EventSource,
  event: string,
  tracker: (...args: Args) => void,
): () => void {
  const listener: Listener = (...args) => {
    try {
      tracker(...(args as unknown as Args));
    } catch (error) {
      diag.error(`plumbline: what onEvent calls for "${event}" threw`, error);
    }
  };
  if ('addEventListener' in source) {
    source.addEventListener(event, listener);
    return () => source.removeEventListener(event, listener);
  }
  source.on(event, listener);
  return () => void source.off(event, listener);
}
