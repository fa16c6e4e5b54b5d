/**
 * The active series on disk, beside the spool, so that they keep their places in the budgets from the first request after a
 * restart on, before ClickHouse can be asked. New series are appended before their points are acknowledged; whenever the
 * active ones are read from ClickHouse the file is written again. It is no more than a memory: what cannot be read or
 * written costs nothing but places that others may take until ClickHouse has been asked.
 */
import { appendFile, open, readFile, rename } from 'node:fs/promises';
import { decodeActiveSeries, encodeActiveSeries } from './model/active-series-rows.js';
import type { ActiveSeries, SeriesRow } from './model/series.js';

export interface ActiveSeriesFile {
  /** What the file holds; nothing where it is missing or cannot be read. */
  read(): Promise<ActiveSeries[]>;
  /** Resolves when the series are in the file, though not fsynced: a process may be killed then, not the machine. */
  append(rows: readonly SeriesRow[]): Promise<void>;
  /** The file holds these from now on, and those that are appended afterwards. */
  replace(active: readonly ActiveSeries[]): Promise<void>;
}

export function createActiveSeriesFile(path: string): ActiveSeriesFile {
  /** One change after the other. */
  let last: Promise<unknown> = Promise.resolve();
  function change(work: () => Promise<void>): Promise<void> {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  }

  return {
    read: () => readFile(path).then(decodeActiveSeries, () => []),
    append: (rows) =>
      change(() =>
        appendFile(path, Buffer.concat(encodeActiveSeries(rows.filter(holdsPlace).map(toActive)))),
      ),
    replace: (active) =>
      change(async () => {
        const file = await open(`${path}.new`, 'w');
        try {
          await file.writeFile(Buffer.concat(encodeActiveSeries(active)));
        } finally {
          await file.close();
        }
        await rename(`${path}.new`, path);
      }),
  };
}

/** Overflow series hold none; see clickhouse/queries/active_series.sql. */
function holdsPlace({ series }: SeriesRow): boolean {
  return !(series.attributes.length === 1 && series.attributes[0]!.key === 'otel.metric.overflow');
}

function toActive({ seriesId, series, sourceSystem }: SeriesRow): ActiveSeries {
  const ids = Uint32Array.of(Number(seriesId & 0xffffffffn), Number(seriesId >> 32n));
  return { metricName: series.metricName, service: sourceSystem, ids };
}
