/**
 * Identity of a series as a 64-bit series_id: 12 bits of the metric name, 52 bits of SHA-256 over everything that makes
 * the stream itself. Enters: a Series in canonical form; leaves: the two words of its id, and a hash of what only
 * describes it. What the series of one metric share is put into text once, not once per series.
 */
import { hash } from 'node:crypto';
import type { Attribute, Series } from '../model/series.js';

/** Bits of series_id that come from the metric name, so that the series of a metric are stored side by side. */
const METRIC_BITS = 12;
const METRIC_NAMES_CACHED_MAX = 10_000;

/** What the series of one metric have in common. */
interface MetricPart {
  series: Series;
  /** The identity's text up to the attributes of the point. */
  identity: string;
  prefix: number;
  described: number;
}

export class SeriesIdentity {
  /** series_id of the series that `read` was given last. */
  lo = 0;
  hi = 0;
  /** Hash of its description, schema URLs and metadata; never 0. */
  described = 0;
  private metric: MetricPart | undefined;
  private readonly prefixes = new Map<string, number>();

  read(series: Series): this {
    if (this.metric === undefined || !isSameMetric(this.metric.series, series)) {
      this.metric = {
        series,
        identity: metricText(series),
        prefix: this.prefixOf(series.metricName),
        described: hash32(descriptionText(series)),
      };
    }
    const { identity, prefix, described } = this.metric;
    const digest = hash(
      'sha256',
      `${identity},${JSON.stringify(attributeTexts(series.attributes))}]`,
      'buffer',
    );
    const top = digest.readUInt32BE(0);
    const next = digest.readUInt32BE(4);
    this.lo = ((top << (32 - METRIC_BITS)) | (next >>> METRIC_BITS)) >>> 0;
    this.hi = ((prefix << (32 - METRIC_BITS)) | (top >>> METRIC_BITS)) >>> 0;
    this.described = described;
    return this;
  }

  private prefixOf(metricName: string): number {
    let prefix = this.prefixes.get(metricName);
    if (prefix === undefined) {
      prefix = hash('sha256', metricName, 'buffer').readUInt32BE(0) >>> (32 - METRIC_BITS);
      if (this.prefixes.size >= METRIC_NAMES_CACHED_MAX) this.prefixes.clear();
      this.prefixes.set(metricName, prefix);
    }
    return prefix;
  }
}

/**
 * Do these series differ in nothing but the attributes of their points? Resource, scope and metadata are read once for
 * all series below them, so being the same object says enough; a "no" too many only costs time.
 */
export function isSameMetric(a: Series, b: Series): boolean {
  return (
    a.resource === b.resource &&
    a.scopeAttributes === b.scopeAttributes &&
    a.metadata === b.metadata &&
    a.metricName === b.metricName &&
    a.type === b.type &&
    a.unit === b.unit &&
    a.temporality === b.temporality &&
    a.isMonotonic === b.isMonotonic &&
    a.scopeName === b.scopeName &&
    a.scopeVersion === b.scopeVersion &&
    a.description === b.description &&
    a.resourceSchemaUrl === b.resourceSchemaUrl &&
    a.scopeSchemaUrl === b.scopeSchemaUrl &&
    a.resourceDroppedAttributes === b.resourceDroppedAttributes &&
    a.resourceEntityRefs === b.resourceEntityRefs &&
    a.scopeDroppedAttributes === b.scopeDroppedAttributes
  );
}

/** Unambiguous text of what makes a stream itself (metrics data model, "Identity"), up to the attributes of its points. */
function metricText(s: Series): string {
  const text = JSON.stringify([
    attributeTexts(s.resource),
    s.scopeName,
    s.scopeVersion,
    attributeTexts(s.scopeAttributes),
    s.metricName,
    s.type,
    s.unit,
    s.temporality,
    s.isMonotonic,
  ]);
  return text.slice(0, -1);
}

function descriptionText(s: Series): string {
  return JSON.stringify([
    s.description,
    s.resourceSchemaUrl,
    s.scopeSchemaUrl,
    s.resourceDroppedAttributes,
    s.resourceEntityRefs,
    s.scopeDroppedAttributes,
    ...attributeTexts(s.metadata),
  ]);
}

function attributeTexts(attributes: readonly Attribute[]): string[] {
  const texts: string[] = [];
  for (const a of attributes) texts.push(a.key, a.type, a.value);
  return texts;
}

/** Only tells whether a description changed: FNV-1a is enough. Never 0. */
function hash32(text: string): number {
  let state = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) state = Math.imul(state ^ text.charCodeAt(i), 0x01000193);
  return state >>> 0 || 1;
}
