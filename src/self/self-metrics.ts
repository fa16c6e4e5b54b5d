/**
 * Plumbline measures itself. Enters: what the receivers hand on, which segments became visible or were put aside, and
 * readings of the other stages; leaves: OTLP requests through the same door as everybody's. It never counts its own
 * points and never breaks what it measures. What is measured, and what for: docs/self-metrics.md.
 */
import type { Component } from '../model/component.js';
import type { ExportMetrics } from '../model/export-outcome.js';
import type { SealedSegment, TurnTimes } from '../model/spool.js';
import type { SelfMeter } from './self-meter.js';
import { Traffic } from './traffic.js';

export interface SelfMetricsOptions {
  /** How often everything is measured and recorded, milliseconds; 0 = never. */
  intervalMs: number;
  /** Name of this receiver, the same after a restart. */
  receiver: string;
  version: string;
  /** The directory whose file system is looked at. */
  dataDirectory: string;
  nowUnixMs: () => number;
  /** Where the measurements go, as any request does. */
  exportMetrics: ExportMetrics;
  readState: () => SelfState;
  /** Totals since the start of this process of points that were checked; not recorded where left out. */
  readChecked?: (() => Promise<CheckedPoints>) | undefined;
  /** Told once when recording begins to fail, and again only after it worked in between. */
  onError: (error: Error) => void;
}

/** What the other stages know, now. */
export interface SelfState {
  spoolBytes: number;
  spoolBytesMax: number;
  isSpoolFull: boolean;
  rollupsWaiting: number;
  activeSeries: number;
  /** 0 = unlimited. */
  seriesBudget: number;
  /** Stored points that have the same series, start time and time as another one, and another value. */
  conflictingPoints: number;
  /** Requests that were refused before their points were looked at. */
  requestsRefused: number;
  /** Requests without a token that is accepted; undefined where senders need none. */
  requestsUnauthenticated?: number | undefined;
}

export interface CheckedPoints {
  valid: number;
  flagged: number;
}

export interface SelfMetrics extends Component {
  /** The same function for receivers, and counted. */
  watch(exportMetrics: ExportMetrics): ExportMetrics;
  /** Every point of the segment is visible in SQL; `times` as in `Traffic.takeStored`. */
  recordStored(segment: SealedSegment, times?: TurnTimes): void;
  /** ClickHouse refused so many points of the segment, Plumbline's own among them; it was put aside. */
  recordQuarantined(segment: SealedSegment, points: number): void;
  /** The segment was damaged, and at least so many of its points are lost; the others are stored. */
  recordDamaged(segment: SealedSegment, pointsLostMin: number): void;
  /** Measure and record now. */
  flush(): Promise<void>;
}

export function createSelfMetrics(options: SelfMetricsOptions): SelfMetrics {
  return options.intervalMs === 0 ? OFF : new RunningSelfMetrics(options);
}

class RunningSelfMetrics implements SelfMetrics {
  private readonly options: SelfMetricsOptions;
  private readonly traffic: Traffic;
  private starting: Promise<SelfMeter> | undefined;
  private meter: SelfMeter | undefined;

  constructor(options: SelfMetricsOptions) {
    this.options = options;
    this.traffic = new Traffic(options.nowUnixMs);
  }

  async start(): Promise<void> {
    // Loaded here, because the SDK takes a while to load and most commands do without.
    this.starting ??= import('./self-meter.js').then(({ createSelfMeter }) =>
      createSelfMeter(this.options, this.traffic),
    );
    this.meter = await this.starting;
  }

  /** Records a last time; what the receivers answered until now is in it. */
  async shutdown(deadlineMs: number): Promise<void> {
    const { meter } = this;
    this.meter = undefined;
    await meter?.shutdown(deadlineMs);
  }

  async flush(): Promise<void> {
    await this.meter?.flush();
  }

  watch(exportMetrics: ExportMetrics): ExportMetrics {
    return this.traffic.watch(exportMetrics);
  }

  recordStored(segment: SealedSegment, times?: TurnTimes): void {
    for (const durationMs of this.traffic.takeStored(segment, times))
      this.meter?.recordProcessing(durationMs);
  }

  recordQuarantined(segment: SealedSegment, points: number): void {
    this.traffic.countQuarantined(segment, points);
  }

  recordDamaged(_segment: SealedSegment, pointsLostMin: number): void {
    this.traffic.countLost(pointsLostMin);
  }
}

const OFF: SelfMetrics = {
  watch: (exportMetrics) => exportMetrics,
  recordStored() {},
  recordQuarantined() {},
  recordDamaged() {},
  async start() {},
  async flush() {},
  async shutdown() {},
};
