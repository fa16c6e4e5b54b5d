/**
 * What must hold whenever bytes meet the decoder: an answer or PermanentError('malformed'), nothing left behind by the
 * latter, as many rows as were accepted; and on a share of requests the rows of the reference decoder. One series table
 * and one batch serve all requests, as in a server.
 */
import { isDeepStrictEqual } from 'node:util';
import type { DecodeContext, DecodeResult } from '../../src/decode/decode-context.js';
import { decodeJson } from '../../src/decode/json-decoder.js';
import { decodeProtobuf } from '../../src/decode/protobuf-decoder.js';
import { SeriesTable } from '../../src/decode/series-table.js';
import { PermanentError } from '../../src/model/errors.js';
import type { Reported } from '../../src/model/export-outcome.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { encodeBatch } from '../../src/spool/batch-blocks.js';
import { type BatchRows, readBatchRows, renameSeries } from '../testkit/batch-rows.js';
import { NOW_UNIX_MS, POINT_AGE_MAX_MS, POINT_FUTURE_MAX_MS } from '../testkit/otlp-arbitrary.js';
import { decodeReference } from '../testkit/reference-decoder.js';
import { classifyForTests, identityOf } from '../testkit/reference-series.js';
import { Finding } from './finding.js';
import { tokensOf } from './mutate-json.js';
import { REFERENCE_LEVELS_MAX } from './mutate-protobuf.js';
import type { MutatedRequest } from './mutated-request.js';

export const LIMITS = {
  attributeDepthMax: 16,
  // Out of reach: the reference does not know this rule.
  attributesBytesMax: 16 * 1024 * 1024,
  pointFutureMaxMs: POINT_FUTURE_MAX_MS,
  pointAgeMaxMs: POINT_AGE_MAX_MS,
};
/** Small, so that the table is emptied again and again. */
const SERIES_MAX = 20_000;
const BATCH_POINTS_MAX = 20_000;
/** Longest time for one request, milliseconds: the largest take a few on a slow machine. */
const REQUEST_MS_MAX = 5_000;

export interface DecoderCounts {
  requests: number;
  malformed: number;
  accepted: number;
  rejected: number;
  compared: number;
  slowestMs: number;
}

export class DecoderChecks {
  readonly counts: DecoderCounts = {
    requests: 0,
    malformed: 0,
    accepted: 0,
    rejected: 0,
    compared: 0,
    slowestMs: 0,
  };
  private readonly batch = new PointBatch();
  private readonly series = new SeriesTable({ classify: classifyForTests, seed: 77, entriesMax: SERIES_MAX });

  /** Throws a Finding. `isCompared` asks for the reference, too. */
  check(request: MutatedRequest, isCompared: boolean): void {
    const { counts, batch, series } = this;
    counts.requests++;
    series.trim();
    const startedMs = performance.now();
    const result = decodeAsIntake(request, batch, series);
    const tookMs = performance.now() - startedMs;
    counts.slowestMs = Math.max(counts.slowestMs, tookMs);
    if (tookMs > REQUEST_MS_MAX)
      throw new Finding('slow', `${Math.round(tookMs)} ms for ${request.bytes.length} bytes`);
    if (result === undefined) counts.malformed++;
    else {
      counts.accepted += result.accepted;
      counts.rejected += result.rejections.reduce((sum, { count }) => sum + count, 0);
    }
    if (batch.points > BATCH_POINTS_MAX) this.emptyBatch();
    if (isCompared) {
      counts.compared++;
      this.compare(request, result === undefined);
    }
  }

  /** What the batch holds must be whole rows, and must encode. */
  emptyBatch(): void {
    const { batch } = this;
    const rows = readBatchRows(batch);
    const points =
      rows.numbers.length +
      rows.histograms.length +
      rows.exponentialHistograms.length +
      rows.summaries.length;
    const blocks = encodeBatch(batch, 0).filter(({ table }) => table.endsWith('_points'));
    const encoded = blocks.reduce((sum, block) => sum + block.rows, 0);
    if (points !== encoded)
      throw new Finding('rows lost', `${points} rows in the batch, ${encoded} in its blocks`);
    batch.clear();
  }

  private compare(request: MutatedRequest, isMalformed: boolean): void {
    const fresh = decodeAlone(request);
    if ((fresh === undefined) !== isMalformed) {
      throw new Finding(
        'depends on the past',
        `malformed: ${isMalformed}, with an empty series table: ${!isMalformed}`,
      );
    }
    this.compareWithKnownSeries(request, fresh);
    if (request.encoding === 'json') compareJson(request, fresh);
    else if (request.levels <= REFERENCE_LEVELS_MAX) compareWithReference(request.bytes, fresh);
  }

  /** Known series or not, points are the same. */
  private compareWithKnownSeries(request: MutatedRequest, fresh: Decoded | undefined): void {
    const batch = new PointBatch();
    if (decodeAsIntake(request, batch, this.series) === undefined) return;
    const { series: _, ...points } = readBatchRows(batch);
    const { series: __, ...freshPoints } = fresh!.rows;
    if (!isDeepStrictEqual(points, freshPoints)) {
      throw new Finding('known series differ', firstDifference(points, freshPoints));
    }
    this.series.forgetWritten(batch.seriesRows);
  }
}

interface Decoded extends Pick<DecodeResult, 'accepted' | 'rejections' | 'flagged'> {
  rows: BatchRows<bigint>;
}

/** As the intake does: undefined where malformed, and then nothing is left of it. */
function decodeAsIntake(
  { bytes, encoding }: Pick<MutatedRequest, 'bytes' | 'encoding'>,
  batch: PointBatch,
  series: SeriesTable,
): DecodeResult | undefined {
  const mark = batch.mark();
  const pointsBefore = batch.points;
  const context: DecodeContext = { batch, series, limits: LIMITS, nowUnixMs: NOW_UNIX_MS };
  try {
    const result = encoding === 'protobuf' ? decodeProtobuf(bytes, context) : decodeJson(bytes, context);
    if (batch.points - pointsBefore !== result.accepted) {
      throw new Finding('count', `${result.accepted} accepted, ${batch.points - pointsBefore} rows`);
    }
    return result;
  } catch (error) {
    if (error instanceof Finding) throw error;
    if (!(error instanceof PermanentError) || error.kind !== 'malformed') {
      throw new Finding(`crash ${(error as Error).name}`, String((error as Error).message), { cause: error });
    }
    series.forgetWritten(batch.seriesRows.slice(mark.seriesRows));
    batch.rollback(mark);
    return undefined;
  }
}

function decodeAlone(request: Pick<MutatedRequest, 'bytes' | 'encoding'>): Decoded | undefined {
  const batch = new PointBatch();
  const series = new SeriesTable({ classify: classifyForTests, seed: 1 });
  const result = decodeAsIntake(request, batch, series);
  if (result === undefined) return undefined;
  const { accepted, rejections, flagged } = result;
  return { accepted, rejections, flagged, rows: readBatchRows(batch) };
}

function compareWithReference(bytes: Buffer, decoded: Decoded | undefined): void {
  const expected = decodeReference(bytes, LIMITS, NOW_UNIX_MS);
  if ((decoded === undefined) !== (expected === undefined)) {
    throw new Finding(
      'malformed or not',
      `malformed to the decoder: ${decoded === undefined}, not so to the reference`,
    );
  }
  if (decoded === undefined || expected === undefined) return;
  const identities = new Map(decoded.rows.series.map((row) => [row.series_id, identityOf(row.series)]));
  const named = {
    rows: renameSeries(decoded.rows, (id) => identities.get(id)!),
    accepted: decoded.accepted,
    rejections: decoded.rejections.map(withoutDetail),
    ...(decoded.flagged.length > 0 && { flagged: decoded.flagged.map(withoutDetail) }),
  };
  if (!isDeepStrictEqual(named, expected)) throw new Finding('rows differ', firstDifference(named, expected));
}

function withoutDetail({ reason, metricName, count }: Reported<string>) {
  return { reason, metricName, count };
}

/** Not JSON means malformed; JSON means what it means whatever its spaces, escapes and order of writing. */
function compareJson({ bytes }: MutatedRequest, decoded: Decoded | undefined): void {
  let rewritten: Buffer;
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    rewritten = Buffer.from(JSON.stringify(JSON.parse(text)));
  } catch (error) {
    const isNotJson = error instanceof SyntaxError || error instanceof TypeError;
    if (isNotJson && decoded !== undefined) {
      throw new Finding('json accepted', `not JSON, and yet decoded: ${error.message}`);
    }
    // JSON.stringify gives up on values nested too deep for it.
    return;
  }
  if (!isUnchangedByRewriting(tokensOf(bytes), tokensOf(rewritten))) return;
  const again = decodeAlone({ bytes: rewritten, encoding: 'json' });
  if (!isDeepStrictEqual(decoded, again))
    throw new Finding('json rewritten differs', firstDifference(decoded, again));
}

/** JavaScript keeps neither long numbers nor the order of names that come twice. */
function isUnchangedByRewriting(tokens: readonly string[], rewritten: readonly string[]): boolean {
  const names = (list: readonly string[]) => list.filter((token) => token === ':').length;
  const isShort = (token: string) => !/^-?\d/.test(token) || /^(0|-?[1-9]\d{0,14})$/.test(token);
  return tokens.every(isShort) && names(tokens) === names(rewritten);
}

function firstDifference(actual: unknown, expected: unknown, path = ''): string {
  const isObject = (value: unknown): value is Record<string, unknown> =>
    typeof value === 'object' && value !== null;
  if (isObject(actual) && isObject(expected)) {
    for (const key of new Set([...Object.keys(actual), ...Object.keys(expected)])) {
      if (!isDeepStrictEqual(actual[key], expected[key])) {
        return firstDifference(actual[key], expected[key], `${path}.${key}`);
      }
    }
  }
  const show = (value: unknown) =>
    (JSON.stringify(value, (_key, v) => (typeof v === 'bigint' ? `${v}n` : v)) ?? 'nothing').slice(0, 300);
  return `at ${path || 'the top'}: ${show(actual)}, expected ${show(expected)}`;
}
