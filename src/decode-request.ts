/**
 * One request into a batch, without holding the event loop: most are decoded at once into the open batch of the group commit.
 * One that takes longer is decoded in slices, into a batch of its own, since other requests are decoded and committed between
 * two slices. Enters: the bytes of a request; leaves: what the decoder says, and a promise to be awaited for its points.
 * Throws PermanentError 'malformed' or 'too_large', RetryableError where rows cannot be written.
 */
import type { DecodeContext, DecodeLimits, DecodeResult } from './decode/decode-context.js';
import { jsonToProtobuf } from './decode/json-decoder.js';
import { jsonToProtobufInThread } from './decode/json-thread.js';
import { EXPORT_REQUEST, MessageCheck } from './decode/protobuf-check.js';
import { decodeProtobufInSlices, decodeProtobufWithin } from './decode/protobuf-decoder.js';
import type { SeriesTable } from './decode/series-table.js';
import { WireReader } from './decode/wire-reader.js';
import { Work } from './decode/work.js';
import { PermanentError } from './model/errors.js';
import type { RequestMemory } from './model/export-outcome.js';
import { PointBatch } from './model/point-batch.js';
import type { GroupCommit } from './spool/group-commit.js';
import { type Turn, Turns } from './turns.js';

export interface DecodeRequestOptions {
  groupCommit: GroupCommit;
  series: SeriesTable;
  limits: DecodeLimits;
  /** Protobuf messages that a request may hold. */
  messagesMax: number;
  nowUnixMs: () => number;
}

export interface DecodedRequest {
  result: DecodeResult;
  /** Resolves with the name of the segment that holds the accepted points; undefined where there are none. */
  segment: Promise<string> | undefined;
}

export interface RequestDecoder {
  /** @param memory Counts what is made of the request beside its bytes. */
  decodeRequest(
    bytes: Uint8Array,
    encoding: 'protobuf' | 'json',
    memory?: RequestMemory,
  ): Promise<DecodedRequest>;
  /** Gives up large requests, which throw RetryableError then; takes no further ones. */
  close(): void;
}

/** Up to these sizes a request is decoded at once, bytes. */
const WHOLE_BYTES_MAX = 2 * 1024 * 1024;
const JSON_WHOLE_BYTES_MAX = 512 * 1024;
/** Units of work (decode/work.ts) after which decoding at once is given up, about 25 ms. */
const WHOLE_WORK_MAX = 2_500_000;
/** Units of work between two pauses, about 4 ms. */
const SLICE_WORK = 400_000;
/** Fields that are checked between two pauses, about as long. */
const SLICE_FIELDS = 100_000;
/** Requests that are decoded in slices at one time: they can take much memory. */
const LARGE_REQUESTS_MAX = 2;
/** The smallest message: a tag and a length of zero. */
const MESSAGE_BYTES_MIN = 2;

export function createDecodeRequest(options: DecodeRequestOptions): RequestDecoder {
  const { groupCommit, series, limits, messagesMax, nowUnixMs } = options;
  const turns = new Turns(LARGE_REQUESTS_MAX);

  /** Undefined where it takes too long; as after an error nothing is left of the request then. */
  function decodeWhole(bytes: Uint8Array): DecodeResult | undefined {
    const { batch } = groupCommit;
    const mark = batch.mark();
    let result: DecodeResult | undefined;
    try {
      result = decodeProtobufWithin(WHOLE_WORK_MAX, bytes, createContext(batch));
      return result;
    } finally {
      if (result === undefined) {
        series.forgetWritten(batch.seriesRows.slice(mark.seriesRows));
        batch.rollback(mark);
      }
    }
  }

  /**
   * First the whole request is checked, so that nothing of a malformed one is decoded. Rows of its new series are written with
   * the next group: other requests may have points of these series from then on. It is over when its points are on disk, since
   * their batch stays in memory until then.
   */
  async function decodeInSlices(bytes: Uint8Array, turn: Turn): Promise<DecodedRequest> {
    const messages = await checkInSlices(bytes, turn);
    const { losses } = groupCommit;
    const batch = new PointBatch();
    const sliced = { seriesBatch: groupCommit.batch, messages };
    /** All rows of series so far. */
    let written: Promise<unknown> = Promise.resolve();
    const slices = decodeProtobufInSlices(bytes, { ...createContext(batch), sliced }, new Work(SLICE_WORK));
    for (;;) {
      await turn();
      const seriesBatch = groupCommit.batch;
      const rowsBefore = countRows(seriesBatch);
      sliced.seriesBatch = seriesBatch;
      const { done, value } = slices.next();
      // At the end rows of other requests count too: points of these series may be in this batch.
      if (countRows(seriesBatch) > (done ? 0 : rowsBefore)) {
        written = Promise.all([written, groupCommit.commit()]);
        // It is awaited at the end.
        written.catch(() => {});
      }
      if (!done) continue;
      await written;
      if (batch.points === 0) return { result: value, segment: undefined };
      const segment = await groupCommit.commitBatch(batch, losses);
      return { result: value, segment: Promise.resolve(segment) };
    }
  }

  /** @returns The number of messages in the request. */
  async function checkInSlices(bytes: Uint8Array, turn: Turn): Promise<number> {
    const check = new MessageCheck(new WireReader(bytes), EXPORT_REQUEST, 0, bytes.length);
    let isDone = false;
    while (!isDone) {
      await turn();
      isDone = check.run(SLICE_FIELDS);
      if (check.messages > messagesMax) throw tooManyMessages(messagesMax);
    }
    return check.messages;
  }

  function createContext(batch: PointBatch): DecodeContext {
    series.trim();
    return { batch, series, limits, nowUnixMs: nowUnixMs() };
  }

  async function decodeRequest(
    bytes: Uint8Array,
    encoding: 'protobuf' | 'json',
    memory?: RequestMemory,
  ): Promise<DecodedRequest> {
    const protobuf = encoding === 'protobuf' ? bytes : await readJson(bytes, memory);
    if (protobuf.length <= WHOLE_BYTES_MAX && protobuf.length <= messagesMax * MESSAGE_BYTES_MIN) {
      const result = decodeWhole(protobuf);
      if (result !== undefined) {
        return { result, segment: result.accepted > 0 ? groupCommit.commit() : undefined };
      }
    }
    return turns.run((turn) => decodeInSlices(protobuf, turn));
  }

  return { decodeRequest, close: () => turns.close() };
}

/** A large request is copied into the thread that converts it; then that copy has gone, and there is its protobuf. */
async function readJson(bytes: Uint8Array, memory: RequestMemory | undefined): Promise<Uint8Array> {
  if (bytes.length <= JSON_WHOLE_BYTES_MAX) return jsonToProtobuf(bytes);
  memory?.add(bytes.length);
  const protobuf = await jsonToProtobufInThread(bytes);
  if (protobuf.length > bytes.length) memory?.add(protobuf.length - bytes.length);
  return protobuf;
}

function countRows({ seriesRows, foldedSeries }: PointBatch): number {
  return seriesRows.length + foldedSeries.length;
}

function tooManyMessages(messagesMax: number): PermanentError {
  return new PermanentError(
    'too_large',
    `the request holds more than ${messagesMax} protobuf messages (resources, scopes, metrics, points, exemplars, ` +
      'attributes and their values); send smaller batches, or raise PLUMBLINE_REQUEST_MESSAGES_MAX',
  );
}
