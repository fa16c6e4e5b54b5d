/** A row of table `series` from a Series: what of it has columns of its own. Once per series, never per point. */
import type { Attribute, Classification, Series, SeriesRow } from '../model/series.js';

/** service.name of the resource; SDKs call a service without one `unknown_service` too. */
export function serviceOf(series: Pick<Series, 'resource'>): string {
  return findAttribute(series.resource, 'service.name') || 'unknown_service';
}

export function makeSeriesRow(
  seriesId: bigint,
  series: Series,
  classification: Classification,
  seenAtUnixNano: bigint,
): SeriesRow {
  return {
    seriesId,
    series,
    classification,
    sourceSystem: serviceOf(series),
    sourceComponent: series.scopeName || findAttribute(series.resource, 'service.component') || '',
    seenAtUnixNano,
  };
}

function findAttribute(attributes: readonly Attribute[], key: string): string | undefined {
  return attributes.find((a) => a.key === key)?.value;
}
