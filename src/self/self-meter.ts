/**
 * The instruments, and the SDK behind them: a provider of its own, never the global one. Enters: what is counted and
 * read elsewhere; leaves: every metric of docs/self-metrics.md, once an interval, to the exporter.
 */
import { statfs } from 'node:fs/promises';
import type { Attributes, Meter } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { FailureLog } from './failure-log.js';
import { IntakeExporter } from './intake-exporter.js';
import type { SelfMetricsOptions } from './self-metrics.js';
import type { Traffic } from './traffic.js';

export interface SelfMeter {
  recordProcessing(durationMs: number): void;
  flush(): Promise<void>;
  /** Records a last time. */
  shutdown(deadlineMs: number): Promise<void>;
}

/** Seconds. Processing is to take less than 2. */
const DURATION_BOUNDS = [0.05, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 30, 60, 300, 1_800, 7_200];

export function createSelfMeter(options: SelfMetricsOptions, traffic: Traffic): SelfMeter {
  const { intervalMs, receiver, version, exportMetrics, readState, nowUnixMs, onError } = options;
  const exporter = new IntakeExporter({
    exportMetrics,
    isFull: () => readState().isSpoolFull,
    startedMs: nowUnixMs(),
    failures: new FailureLog('metrics of Plumbline itself are not recorded', onError),
  });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({
      'service.name': 'plumbline',
      'service.instance.id': receiver,
      'service.version': version,
    }),
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: intervalMs })],
  });
  const meter = provider.getMeter('plumbline', version);
  observeTraffic(meter, options, traffic);
  observeStorage(meter, options);
  observeStages(meter, options);
  observeChecked(meter, options);
  const processing = meter.createHistogram('plumbline.processing.duration', {
    unit: 's',
    description: 'Time from the arrival of a request until its points are visible in SQL',
    advice: { explicitBucketBoundaries: DURATION_BOUNDS },
  });
  return {
    recordProcessing: (durationMs) => processing.record(durationMs / 1000),
    flush: () => provider.forceFlush(),
    async shutdown(deadlineMs) {
      // It rejects where the deadline passes; the spool has what was written by then.
      await provider.shutdown({ timeoutMillis: deadlineMs }).catch(onError);
    },
  };
}

function observeTraffic(meter: Meter, { readState }: SelfMetricsOptions, traffic: Traffic): void {
  meter
    .createObservableCounter('plumbline.points', {
      unit: '{point}',
      description: 'Points that came through the receivers, by what became of them',
    })
    .addCallback((result) => observeEach(traffic.points, 'outcome', result.observe.bind(result)));
  meter
    .createObservableCounter('plumbline.points.flagged', {
      unit: '{point}',
      description: 'Accepted points with something wrong in them, by what it is',
    })
    .addCallback((result) => {
      const { conflictingPoints } = readState();
      const flagged = {
        ...traffic.flagged,
        ...(conflictingPoints > 0 && { conflicting_point: conflictingPoints }),
      };
      observeEach(flagged, 'reason', result.observe.bind(result));
    });
  meter
    .createObservableCounter('plumbline.requests', {
      unit: '{request}',
      description: 'Export requests that came through the receivers, by how they were answered',
    })
    .addCallback((result) => {
      const { answered, malformed, refused } = traffic.requests;
      const { requestsRefused, requestsUnauthenticated: unauthenticated } = readState();
      const requests = {
        answered,
        malformed,
        refused: refused + requestsRefused,
        ...(unauthenticated !== undefined && { unauthenticated }),
      };
      observeEach(requests, 'outcome', result.observe.bind(result));
    });
}

function observeStorage(meter: Meter, { dataDirectory, readState, onError }: SelfMetricsOptions): void {
  const failures = new FailureLog(`the file system of ${dataDirectory} cannot be read`, onError);
  meter
    .createObservableGauge('plumbline.storage.utilization', {
      unit: '1',
      description: 'Used share of the file system of the data directory, and of the room of the spool',
    })
    .addCallback(async (result) => {
      const { spoolBytes, spoolBytesMax } = readState();
      result.observe(spoolBytes / spoolBytesMax, { store: 'spool' });
      const used = await failures.watch(() => readUsedShare(dataDirectory));
      if (used !== undefined) result.observe(used, { store: 'data' });
    });
}

function observeStages(meter: Meter, { readState }: SelfMetricsOptions): void {
  const observe = (name: string, unit: string, description: string, read: () => number | undefined) =>
    meter.createObservableGauge(name, { unit, description }).addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value);
    });
  observe(
    'plumbline.rollups.waiting',
    '{bucket}',
    'Rollup buckets that wait to be computed',
    () => readState().rollupsWaiting,
  );
  observe('plumbline.series.active', '{series}', 'Active series', () => readState().activeSeries);
  // An unlimited budget is no number: 0 would read as "none".
  observe(
    'plumbline.series.budget',
    '{series}',
    'Active series at most',
    () => readState().seriesBudget || undefined,
  );
  observe(
    'plumbline.memory.rss',
    'By',
    'Memory of the process, the embedded engine included',
    process.memoryUsage.rss,
  );
}

function observeChecked(meter: Meter, { readChecked, onError }: SelfMetricsOptions): void {
  if (readChecked === undefined) return;
  const failures = new FailureLog('the accuracy of the data cannot be read', onError);
  meter
    .createObservableCounter('plumbline.data.checked', {
      unit: '{point}',
      description: 'Stored points that were checked, by what was found',
    })
    .addCallback(async (result) => {
      const checked = await failures.watch(readChecked);
      if (checked === undefined) return;
      const { valid, flagged } = checked;
      observeEach({ valid, flagged }, 'outcome', result.observe.bind(result));
    });
}

function observeEach(
  values: Readonly<Record<string, number>>,
  key: string,
  observe: (value: number, attributes: Attributes) => void,
): void {
  for (const [name, value] of Object.entries(values)) observe(value, { [key]: name });
}

/** As df counts: what is reserved for the system is neither used nor free. */
async function readUsedShare(directory: string): Promise<number> {
  const { blocks, bfree, bavail } = await statfs(directory);
  const used = blocks - bfree;
  return used / (used + bavail);
}
