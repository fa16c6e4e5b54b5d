/** What both decoders (protobuf, JSON) are given and what they give back. */
import type { Flagged, Rejection } from '../model/export-outcome.js';
import type { PointBatch } from '../model/point-batch.js';
import type { Folded } from './fold-log.js';
import type { SeriesTable } from './series-table.js';

export interface DecodeLimits {
  /** Levels of arrays and kvlists an attribute value may have. */
  attributeDepthMax: number;
  /** Wire bytes that resource, scope, metric header and attributes of one series may have together. */
  attributesBytesMax: number;
  /** How far ahead of the clock a point may be, milliseconds. */
  pointFutureMaxMs: number;
  /** How old a point may be, milliseconds: each day that one request touches costs a partition. */
  pointAgeMaxMs: number;
}

export interface DecodeContext {
  batch: PointBatch;
  series: SeriesTable;
  limits: DecodeLimits;
  /** The clock, milliseconds since the epoch. */
  nowUnixMs: number;
  /** Set where other requests are decoded between two slices of this one. */
  sliced?: SlicedDecoding;
}

/** `batch` then holds this request alone, and its bytes are known to be well-formed. */
export interface SlicedDecoding {
  /**
   * Where rows of new series go, to be set before each slice: other requests take a series for written from then on, so its
   * row must not wait for the end of this one.
   */
  seriesBatch: PointBatch;
  /** Messages in the request: it has no more points. */
  messages: number;
}

export interface DecodeResult {
  /** Points appended to the batch. */
  accepted: number;
  rejections: Rejection[];
  /** Accepted points with something wrong in them, which the sender hears. */
  flagged: Flagged[];
  /** Points of series that found no place in a budget; they are accepted all the same. */
  folded: Folded[];
}
