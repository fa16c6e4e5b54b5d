/**
 * Which exemplars were written lately, so that those that a cumulative exporter repeats with every export are not written
 * again. Enters: the exemplars of a batch; leaves: those that ClickHouse may not have yet. The memory is bounded and may be
 * lost at any time: the table keeps one row of an exemplar however often it is written (docs/decisions/0019-exemplars.md).
 */
import type { Bytes, ExemplarPoints, Lanes } from '../model/point-batch.js';
import { HashIndex } from './hash-index.js';
import { RawHash } from './raw-hash.js';

const TRACE_ID_BYTES = 16;
const SPAN_ID_BYTES = 8;
/** Exemplars between two pauses. */
const SLICE_ROWS = 10_000;

/** A place among the attributes of all rows: an element of the map, and where its key and value stand in their bytes. */
class AttributesAt {
  element = 0;
  key = 0;
  value = 0;
  set(element: number, key: number, value: number): void {
    this.element = element;
    this.key = key;
    this.value = value;
  }
}

export class WrittenExemplars {
  private readonly seed: number;
  private readonly entriesMax: number;
  private readonly hash = new RawHash();
  /** By the hash of an exemplar, the words of the smallest time of a point that it was written with. */
  private recent = new HashIndex();
  /** What was written before `recent` was begun; an exemplar that still comes moves from here to there. */
  private older = new HashIndex();

  /**
   * `seed` keys the hash, so that senders cannot aim for collisions. At most twice `entriesMax` exemplars are known, 32 bytes
   * each.
   */
  constructor({ seed, entriesMax }: { seed: number; entriesMax: number }) {
    this.seed = seed;
    this.entriesMax = entriesMax;
  }

  /**
   * Takes exemplars out of the batch that were written before with a point of the same time or an earlier one. The others
   * count as written from now on: call `forget` where the batch could not be written after all. Pauses after some thousand
   * exemplars each, so that many of them need not hold the event loop; the batch must not change between.
   */
  *dropWritten(exemplars: ExemplarPoints): Generator<void> {
    const rows = exemplars.length;
    const views = viewsOf(exemplars);
    const { attributesEnd, attributeKeys, attributeValues } = exemplars;
    const begin = new AttributesAt();
    const end = new AttributesAt();
    const keptEnd = new AttributesAt();
    let kept = 0;
    for (let row = 0; row < rows; row++) {
      if (row % SLICE_ROWS === SLICE_ROWS - 1) yield;
      begin.set(end.element, end.key, end.value);
      end.element = attributesEnd.words[row * 2]!;
      for (let i = begin.element; i < end.element; i++) {
        end.key = skipText(attributeKeys.data, end.key);
        end.value = skipText(attributeValues.data, end.value);
      }
      this.hashRow(exemplars, views, row, begin, end);
      if (this.isWritten(exemplars.pointTime, row)) continue;
      if (kept < row) moveRow(exemplars, row, begin, end, kept, keptEnd);
      keptEnd.set(
        keptEnd.element + end.element - begin.element,
        keptEnd.key + end.key - begin.key,
        keptEnd.value + end.value - begin.value,
      );
      kept++;
    }
    exemplars.truncate(kept, keptEnd.element, keptEnd.key, keptEnd.value);
  }

  /** Start from nothing, as after a restart. */
  forget(): void {
    this.recent.clear();
    this.older.clear();
  }

  /** Whether the exemplar that `hash` stands for needs no further row; else it has one from now on. */
  private isWritten(pointTime: Lanes, row: number): boolean {
    const { lo, hi } = this.hash;
    const timeLo = pointTime.words[row * 2]!;
    const timeHi = pointTime.words[row * 2 + 1]!;
    const inRecent = this.recent.find(lo, hi);
    const knownHi = inRecent >= 0 ? inRecent : this.older.find(lo, hi);
    const knownLo = inRecent >= 0 ? this.recent.foundNote : this.older.foundNote;
    const isWritten = knownHi >= 0 && (knownHi < timeHi || (knownHi === timeHi && knownLo <= timeLo));
    if (isWritten && inRecent >= 0) return true;
    if (this.recent.size >= this.entriesMax) {
      this.older = this.recent;
      this.recent = new HashIndex();
    }
    if (isWritten) this.recent.insert(lo, hi, knownHi, knownLo);
    else this.recent.insert(lo, hi, timeHi, timeLo);
    return isWritten;
  }

  /** Everything that tells exemplars apart, as in the sorting key of the table. */
  private hashRow(
    exemplars: ExemplarPoints,
    views: ByteViews,
    row: number,
    begin: AttributesAt,
    end: AttributesAt,
  ): void {
    const { hash } = this;
    hash.set(this.seed, ~this.seed);
    addElement(hash, exemplars.seriesId, row);
    addElement(hash, exemplars.time, row);
    addElement(hash, exemplars.valueInt, row);
    addElement(hash, exemplars.valueDouble, row);
    hash.addNumber(exemplars.valueType.data[row]!);
    hash.addBytes(views.traceId, row * TRACE_ID_BYTES, TRACE_ID_BYTES);
    hash.addBytes(views.spanId, row * SPAN_ID_BYTES, SPAN_ID_BYTES);
    hash.addBytes(views.attributeKeys, begin.key, end.key - begin.key);
    hash.addBytes(views.attributeValues, begin.value, end.value - begin.value);
    hash.addBytes(views.attributeTypes, begin.element, end.element - begin.element);
    hash.finish();
  }
}

type ByteViews = ReturnType<typeof viewsOf>;

function viewsOf({ traceId, spanId, attributeKeys, attributeValues, attributeTypes }: ExemplarPoints) {
  const view = ({ data }: Bytes) => new DataView(data.buffer, data.byteOffset, data.byteLength);
  return {
    traceId: view(traceId),
    spanId: view(spanId),
    attributeKeys: view(attributeKeys),
    attributeValues: view(attributeValues),
    attributeTypes: view(attributeTypes),
  };
}

function addElement(hash: RawHash, { words }: Lanes, row: number): void {
  hash.addNumber(words[row * 2]!);
  hash.addNumber(words[row * 2 + 1]!);
}

/** Behind the text at `at`: its length as a varint, then its bytes. */
function skipText(data: Uint8Array, at: number): number {
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = data[at++]!;
    length |= (byte & 0x7f) << shift;
    if (byte < 0x80) return at + length;
  }
}

/** The row moves to `kept`; its attributes, which lie between `begin` and `end`, to `keptEnd`. */
function moveRow(
  exemplars: ExemplarPoints,
  row: number,
  begin: AttributesAt,
  end: AttributesAt,
  kept: number,
  keptEnd: AttributesAt,
): void {
  moveElement(exemplars.seriesId, kept, row);
  moveElement(exemplars.pointTime, kept, row);
  moveElement(exemplars.time, kept, row);
  moveElement(exemplars.valueInt, kept, row);
  moveElement(exemplars.valueDouble, kept, row);
  moveBytes(exemplars.valueType, kept, row, row + 1);
  moveBytes(exemplars.traceId, kept * TRACE_ID_BYTES, row * TRACE_ID_BYTES, (row + 1) * TRACE_ID_BYTES);
  moveBytes(exemplars.spanId, kept * SPAN_ID_BYTES, row * SPAN_ID_BYTES, (row + 1) * SPAN_ID_BYTES);
  exemplars.attributesEnd.words[kept * 2] = keptEnd.element + end.element - begin.element;
  moveBytes(exemplars.attributeKeys, keptEnd.key, begin.key, end.key);
  moveBytes(exemplars.attributeValues, keptEnd.value, begin.value, end.value);
  moveBytes(exemplars.attributeTypes, keptEnd.element, begin.element, end.element);
}

function moveElement({ words }: Lanes, to: number, from: number): void {
  words.copyWithin(to * 2, from * 2, from * 2 + 2);
}

function moveBytes({ data }: Bytes, to: number, from: number, end: number): void {
  data.copyWithin(to, from, end);
}
