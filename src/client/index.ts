/**
 * plumbline/client: the recorder library for apps, in Node and in browsers. Everything public is exported here. Importing
 * it loads only @opentelemetry/api; docs/client.md says what each function records.
 */
export type { BatchControl, BatchOptions } from './batch.js';
export { type DomEventSource, type EventSource, type NodeEventSource, onEvent, when } from './conditions.js';
export {
  createBatch,
  instrumentHandler,
  timed,
  trackAdoption,
  trackAutomation,
  trackBusinessValue,
  trackCost,
  trackError,
  trackImpact,
  trackNavigation,
  trackPageLoad,
  trackProcess,
  trackResponseTime,
  trackSatisfaction,
  trackTask,
  trackThroughput,
  trackUserInteraction,
  withContext,
} from './module-recorder.js';
export type { PageLoadOptions, TrackPageLoad } from './page-load-tracker.js';
export { readPagePath } from './page-path.js';
export { type Batch, createPlumbline, type Recorder, type RecorderOptions } from './recorder.js';
export { startPlumbline } from './start.js';
export type { RunningPlumbline, StartOptions } from './start-options.js';
export type { CostPlace, Timing, Trackers } from './trackers.js';
export type { AnyFunction } from './wrapped-function.js';
export type { Endpoint } from './wrapped-handler.js';
