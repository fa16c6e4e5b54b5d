/**
 * Which series are active, as storage knows it: read at the start, so that a restart does not double a budget, and again
 * from time to time, so that silent series give their places back and other receivers' series are known. Enters:
 * ClickHouse; leaves: ids by metric and service, to `onRead`. Keeps nothing.
 */

import { decodeActiveSeries } from '../model/active-series-rows.js';
import type { ClickHouse } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import type { ActiveSeries } from '../model/series.js';
import { readQuery } from './sql-files.js';

export interface ActiveSeriesOptions {
  clickhouse: ClickHouse;
  /** A series is active this long after its last point, milliseconds. */
  activeMs: number;
  /** How often they are read, milliseconds. */
  everyMs: number;
  nowUnixMs: () => number;
  onRead: (active: ActiveSeries[]) => void;
  onError: (error: Error) => void;
}

export function createActiveSeriesReader(options: ActiveSeriesOptions): Component {
  const { clickhouse, activeMs, everyMs, nowUnixMs, onRead, onError } = options;
  let timer: NodeJS.Timeout | undefined;
  let reading: Promise<void> = Promise.resolve();

  async function read(): Promise<void> {
    onRead(await readActiveSeries(clickhouse, nowUnixMs() - activeMs));
  }

  return {
    async start() {
      if (timer !== undefined) return;
      await read();
      timer = setInterval(() => {
        reading = reading.then(read).catch(onError);
      }, everyMs);
      timer.unref();
    },
    async shutdown() {
      clearInterval(timer);
      await reading;
    },
  };
}

/** Series with a point since `sinceUnixMs`: 8 bytes each, so a million are 8 MB. */
export async function readActiveSeries(clickhouse: ClickHouse, sinceUnixMs: number): Promise<ActiveSeries[]> {
  const chunks: Uint8Array[] = [];
  const params = { since: new Date(sinceUnixMs).toISOString().slice(0, 23).replace('T', ' ') };
  for await (const chunk of clickhouse.stream(readQuery('active_series'), 'RowBinary', { params })) {
    chunks.push(chunk);
  }
  return decodeActiveSeries(Buffer.concat(chunks));
}
