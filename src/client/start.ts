/**
 * startPlumbline: SDK and exporter in one line, for apps that have none. Enters: options; leaves: a registered meter
 * provider that sends OTLP over HTTP, with what was recorded while it was loading. Everything beyond the API is imported
 * only here and only when called. It handles no signals: when to shut down is the app's decision.
 */
import { DiagConsoleLogger, DiagLogLevel, diag, metrics } from '@opentelemetry/api';
import { flushBatches } from './batch.js';
import { isNodeProcess } from './browser-globals.js';
import { flushOnLeave } from './flush-on-leave.js';
import { holdValues, releaseValues } from './held-values.js';
import { createPlumbline } from './recorder.js';
import { planExport, type RunningPlumbline, type StartOptions } from './start-options.js';

const CLOCK_TICK_MS = 3;

let running: Promise<RunningPlumbline> | undefined;

/**
 * Registers an SDK that sends to Plumbline. Values recorded from this call on are kept, awaited or not. Rejects where
 * options are wrong or the app has an SDK already; a second call gives what the first one started.
 */
export function startPlumbline(options: StartOptions): Promise<RunningPlumbline> {
  if (running !== undefined) {
    diag.warn('plumbline: startPlumbline was called again; the one that runs is kept, with its options');
    return running;
  }
  holdValues();
  const started = start(options).finally(releaseValues);
  running = started;
  started.catch(() => {
    running = undefined;
  });
  return started;
}

async function start(options: StartOptions): Promise<RunningPlumbline> {
  const { url, exportIntervalMs, isDelta } = planExport(options, isNodeProcess());
  setLogLevel(options.logLevel ?? 'warn');
  const [sdk, exporters, resources] = await Promise.all([
    import('@opentelemetry/sdk-metrics'),
    import('@opentelemetry/exporter-metrics-otlp-http'),
    import('@opentelemetry/resources'),
  ]);
  const { CUMULATIVE, DELTA } = exporters.AggregationTemporalityPreference;
  const exporter = new exporters.OTLPMetricExporter({
    temporalityPreference: isDelta ? DELTA : CUMULATIVE,
    ...(url === undefined ? {} : { url }),
    ...(options.headers === undefined ? {} : { headers: options.headers }),
  });
  const reader = new sdk.PeriodicExportingMetricReader({ exporter, exportIntervalMillis: exportIntervalMs });
  // In Node: OTEL_RESOURCE_ATTRIBUTES, and an id per process, so that two of one service are two streams. In a browser
  // they find nothing: an id per page view would be a series per page view.
  const detectors = [resources.envDetector, resources.serviceInstanceIdDetector];
  const provider = new sdk.MeterProvider({
    resource: resources
      .defaultResource()
      .merge(resources.detectResources({ detectors }))
      .merge(resources.resourceFromAttributes({ ...options.resource, 'service.name': options.serviceName })),
    readers: [reader],
  });
  if (!metrics.setGlobalMeterProvider(provider)) {
    await provider.shutdown();
    throw new Error(
      'this app has a global MeterProvider already, and the recorder uses it as it is: leave startPlumbline out and ' +
        'point the exporter of that SDK at Plumbline',
    );
  }

  async function flush(): Promise<void> {
    flushBatches();
    await passClockTick(isDelta);
    await provider.forceFlush();
  }
  /** A flush waits for the export before it, which a page that is being left has no time for. */
  async function sendWhileLeaving(): Promise<void> {
    flushBatches();
    const { resourceMetrics } = await reader.collect();
    if (resourceMetrics.scopeMetrics.length > 0) exporter.export(resourceMetrics, () => {});
  }
  const stopListening = flushOnLeave(() => void (isNodeProcess() ? flush() : sendWhileLeaving()));
  let ended: Promise<void> | undefined;
  async function end(): Promise<void> {
    stopListening();
    flushBatches();
    await passClockTick(isDelta);
    await provider.shutdown();
    metrics.disable();
    running = undefined;
  }
  return {
    recorder: createPlumbline({ ...options, meterProvider: provider }),
    meterProvider: provider,
    flush: () => ended ?? flush(),
    shutdown: () => {
      ended ??= end();
      return ended;
    },
  };
}

/**
 * The SDK takes the time of a series' first value for its start, in whole milliseconds. Sent within the same one, a
 * cumulative point has start = time, which to a backend says that the start is unknown: its value would be no increase.
 * A page that is being left cannot wait.
 */
async function passClockTick(isDelta: boolean): Promise<void> {
  if (!isDelta && isNodeProcess()) await new Promise((resolve) => setTimeout(resolve, CLOCK_TICK_MS));
}

function setLogLevel(level: NonNullable<StartOptions['logLevel']>): void {
  if (level === 'none') return;
  const levels = {
    error: DiagLogLevel.ERROR,
    warn: DiagLogLevel.WARN,
    info: DiagLogLevel.INFO,
    debug: DiagLogLevel.DEBUG,
  };
  diag.setLogger(new DiagConsoleLogger(), { logLevel: levels[level], suppressOverrideMessage: true });
}
