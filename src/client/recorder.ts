/**
 * createPlumbline: a recorder over a meter, a meter provider, or whichever SDK the app registers globally, at any time.
 * Enters: options; leaves: the trackers and the wrappers, with the attributes of the recorder on every value. Recorders
 * made from it (with, withContext, createBatch) differ in attributes or in when they record, in nothing else.
 */
import { type Attributes, diag, type Meter, type MeterProvider } from '@opentelemetry/api';
import { runWithAttributes } from './ambient-attributes.js';
import type { OnInvalid } from './argument-checks.js';
import { type BatchControl, type BatchOptions, createBatchWrite } from './batch.js';
import { COMPONENT, createGlobalWrite, createMeterWrite } from './instruments.js';
import { createPageLoadTracker, type PageLoadState, type TrackPageLoad } from './page-load-tracker.js';
import type { RecorderCore } from './recorder-core.js';
import { createTrackers, type Trackers } from './trackers.js';
import { type AnyFunction, wrapFunction } from './wrapped-function.js';
import { type Endpoint, wrapHandler } from './wrapped-handler.js';

export interface RecorderOptions {
  /** Records on this meter. */
  meter?: Meter;
  /** Records on a meter of this provider. Without meter and provider: on the global one, whenever it is registered. */
  meterProvider?: MeterProvider;
  /** Name of the meter, which Plumbline stores as source_component. */
  component?: string;
  /** On every value. */
  attributes?: Attributes;
  /** Makes an address of few kinds of a page's address; the result is reduced to its path. */
  normalisePageUrl?: (pageUrl: string) => string;
  /** Told of arguments that are not right, instead of diag.error. What it throws reaches the caller. */
  onInvalid?: OnInvalid;
  /** Milliseconds, rising; performance.now() unless given. */
  now?: () => number;
}

export interface Recorder extends Trackers {
  /** `page_load_time` from navigation start, and web vitals, of the page this runs in; once. */
  trackPageLoad: TrackPageLoad;
  /** The function, each of whose calls is one `response_time` with endpoint = name. */
  timed<Fn extends AnyFunction>(name: string, fn: Fn, attributes?: Attributes): Fn;
  /** The HTTP handler, measured: `response_time`, `throughput` and, for failures, `error_rate`. */
  instrumentHandler<Handler extends AnyFunction>(
    endpoint: Endpoint<Handler>,
    handler: Handler,
    attributes?: Attributes,
  ): Handler;
  /** A recorder whose values have these attributes too. */
  with(attributes: Attributes): Recorder;
  /**
   * Runs a function; what is recorded by it and by all it calls and awaits, with any recorder, has these attributes too.
   * In a browser without a context manager they end at the first await; the recorder that fn is given keeps them.
   */
  withContext<Result>(attributes: Attributes, fn: (recorder: Recorder) => Result): Result;
  /** A recorder that holds its values until it is flushed. */
  createBatch(options?: BatchOptions): Batch;
}

export type Batch = Recorder & BatchControl;

export function createPlumbline(options: RecorderOptions = {}): Recorder {
  const component = options.component ?? COMPONENT;
  const meter = options.meter ?? options.meterProvider?.getMeter(component);
  const core: RecorderCore = {
    write: meter === undefined ? createGlobalWrite(component) : createMeterWrite(meter),
    attributes: { ...options.attributes },
    now: options.now ?? (() => performance.now()),
    normalisePageUrl: options.normalisePageUrl,
    onInvalid: options.onInvalid ?? ((error) => diag.error(`plumbline: ${error.message}`)),
  };
  return createRecorder(core, { isTracked: false });
}

function createRecorder(core: RecorderCore, pageLoad: PageLoadState): Recorder {
  const derive = (attributes: Attributes): Recorder =>
    createRecorder({ ...core, attributes: { ...core.attributes, ...attributes } }, pageLoad);
  return {
    ...createTrackers(core),
    trackPageLoad: createPageLoadTracker(core, pageLoad),
    timed: (name, fn, attributes) => wrapFunction(core, name, fn, attributes),
    instrumentHandler: (endpoint, handler, attributes) => wrapHandler(core, endpoint, handler, attributes),
    with: derive,
    withContext: (attributes, fn) => runWithAttributes(attributes, () => fn(derive(attributes))),
    createBatch(options = {}) {
      const { write, control } = createBatchWrite(core.write, options);
      return Object.defineProperties(
        createRecorder({ ...core, write }, pageLoad),
        Object.getOwnPropertyDescriptors(control),
      ) as Batch;
    },
  };
}
