/**
 * What every tracker of one recorder shares, and the one way from a tracker to a measurement. Enters: a metric, a value,
 * the tracker's own attributes and those of the call; leaves: one write with all attributes, the nearest winning.
 */
import type { Attributes } from '@opentelemetry/api';
import { readAmbientAttributes } from './ambient-attributes.js';
import type { OnInvalid } from './argument-checks.js';
import type { Write } from './instruments.js';
import { readPagePath } from './page-path.js';

export interface RecorderCore {
  write: Write;
  /** Of the recorder; on every value. */
  attributes: Attributes;
  /** Milliseconds, as performance.now() gives them. */
  now: () => number;
  normalisePageUrl: ((pageUrl: string) => string) | undefined;
  onInvalid: OnInvalid;
}

/** Attributes of the recorder, of the context and of the call, in rising order of weight. */
export function collectAttributes(core: RecorderCore, ofCall: Attributes | undefined): Attributes {
  return { ...core.attributes, ...readAmbientAttributes(), ...ofCall };
}

/** The page as an attribute: normalised by the app's own function first, then reduced to its path. */
export function placeOnPage({ normalisePageUrl }: RecorderCore, pageUrl: string): { page_url: string } {
  return { page_url: readPagePath(normalisePageUrl === undefined ? pageUrl : normalisePageUrl(pageUrl)) };
}
