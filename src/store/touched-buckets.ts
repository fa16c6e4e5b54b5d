/**
 * Which minutes, and for old minutes which series, a Native block of points touches. Enters: a block as
 * spool/batch-blocks.ts wrote it (series_id and time are its first two columns); leaves: minutes and series.
 */

/** Adds the points of a block to `counts`, by minute since the epoch. */
export function countByMinute(block: Uint8Array, counts: Map<number, number>): void {
  const { view, rows, timeAt } = readLeadingColumns(block);
  let lastLo = -1;
  let lastHi = -1;
  let minute = -1;
  let from = 0;
  const countUntil = (to: number) => {
    if (to > from) counts.set(minute, (counts.get(minute) ?? 0) + to - from);
    from = to;
  };
  // Neighbours mostly have the same time: only a change is worth a division.
  for (let i = 0; i < rows; i++) {
    const lo = view.getUint32(timeAt + i * 8, true);
    const hi = view.getUint32(timeAt + i * 8 + 4, true);
    if (lo === lastLo && hi === lastHi) continue;
    lastLo = lo;
    lastHi = hi;
    const next = minuteOf(lo, hi);
    if (next === minute) continue;
    countUntil(i);
    minute = next;
  }
  countUntil(rows);
}

/** series_id of every point in one of `minutes`. */
export function findSeries(block: Uint8Array, minutes: ReadonlySet<number>): Map<number, Set<bigint>> {
  const { view, rows, seriesAt, timeAt } = readLeadingColumns(block);
  const found = new Map<number, Set<bigint>>();
  for (let i = 0; i < rows; i++) {
    const minute = minuteOf(view.getUint32(timeAt + i * 8, true), view.getUint32(timeAt + i * 8 + 4, true));
    if (!minutes.has(minute)) continue;
    let series = found.get(minute);
    if (series === undefined) {
      series = new Set();
      found.set(minute, series);
    }
    series.add(view.getBigUint64(seriesAt + i * 8, true));
  }
  return found;
}

/** The lowest 8 bits go first: what is left is exact in a double, and minute borders are multiples of 256 ns. */
function minuteOf(lo: number, hi: number): number {
  return Math.floor((hi * 0x1_0000_0000 + ((lo & 0xffffff00) >>> 0)) / 60e9);
}

function readLeadingColumns(block: Uint8Array): {
  view: DataView;
  rows: number;
  seriesAt: number;
  timeAt: number;
} {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  let pos = 0;
  const readVarint = () => {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = view.getUint8(pos++);
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
    }
  };
  const skipText = () => {
    const length = readVarint();
    pos += length;
  };
  readVarint();
  const rows = readVarint();
  skipText();
  skipText();
  const seriesAt = pos;
  pos += rows * 8;
  skipText();
  skipText();
  return { view, rows, seriesAt, timeAt: pos };
}
