/**
 * What one series did, cut by time: minutes of the last two hours, hours before that. Enters what each point brought and
 * the time of the point; leaves slots from which every window of whole minutes (further back of whole hours) can be added
 * up. Stays small, however long the demo runs.
 */

/**
 * What the points of a slot brought: how many values were recorded since the points before them, and their sum; of a gauge
 * how many points there were, and the sum of what they showed. `buckets`: the values by the bounds of the histogram.
 */
export type TruthSlot = [startS: number, count: number, sum: number, last: number, buckets?: number[]];

export interface TruthSlots {
  /** Times never go back. */
  add(unixMs: number, count: number, sum: number, last: number, buckets: readonly number[]): void;
  read(): TruthSlot[];
}

const MINUTE_S = 60;
const HOUR_S = 3_600;
const MINUTES_KEPT_S = 2 * HOUR_S;
/** Minutes are kept until the hour they are in has ended so long ago. */
const MINUTES_MAX = (MINUTES_KEPT_S + HOUR_S) / MINUTE_S + 1;

/** `bucketCount`: 0 where there are no buckets. */
export function createTruthSlots(bucketCount: number): TruthSlots {
  const minutes = createRows(MINUTES_MAX, bucketCount);
  const hours: TruthSlot[] = [];
  let closeAtS = Number.NEGATIVE_INFINITY;
  /** Whole hours, so that no hour is ever half minutes. */
  const closeHours = (nowS: number): void => {
    const openFromS = floorTo(nowS - MINUTES_KEPT_S, HOUR_S);
    for (const [startS, ...rest] of minutes.take(openFromS)) addTo(hours, [floorTo(startS, HOUR_S), ...rest]);
    closeAtS = openFromS + HOUR_S + MINUTES_KEPT_S;
  };
  return {
    add(unixMs, count, sum, last, buckets) {
      const startS = floorTo(unixMs / 1000, MINUTE_S);
      if (startS >= closeAtS) closeHours(startS);
      minutes.add(startS, count, sum, last, buckets);
    },
    read: () => [...structuredClone(hours), ...minutes.read()],
  };
}

interface Rows {
  add(startS: number, count: number, sum: number, last: number, buckets: readonly number[]): void;
  /** Removes those that begin before. */
  take(beforeS: number): TruthSlot[];
  read(): TruthSlot[];
}

/** Slots in one block of numbers: a week of history makes millions of minutes, which as objects would keep memory busy. */
function createRows(rowsMax: number, bucketCount: number): Rows {
  const width = 4 + bucketCount;
  const numbers = new Float64Array(rowsMax * width);
  let end = 0;
  const readRow = (at: number): TruthSlot => {
    const [startS, count, sum, last, ...buckets] = numbers.subarray(at, at + width);
    const slot: TruthSlot = [startS!, count!, sum!, last!];
    if (bucketCount > 0 && count! > 0) slot.push(buckets);
    return slot;
  };
  const read = (to: number): TruthSlot[] => {
    const slots: TruthSlot[] = [];
    for (let at = 0; at < to; at += width) slots.push(readRow(at));
    return slots;
  };
  return {
    add(startS, count, sum, last, buckets) {
      if (end === 0 || numbers[end - width] !== startS) {
        numbers.fill(0, end, end + width);
        numbers[end] = startS;
        end += width;
      }
      const row = end - width;
      numbers[row + 1]! += count;
      numbers[row + 2]! += sum;
      numbers[row + 3] = last;
      for (let i = 0; i < bucketCount; i++) numbers[row + 4 + i]! += buckets[i]!;
    },
    take(beforeS) {
      let cut = 0;
      while (cut < end && numbers[cut]! < beforeS) cut += width;
      const taken = read(cut);
      numbers.copyWithin(0, cut, end);
      end -= cut;
      return taken;
    },
    read: () => read(end),
  };
}

/** Into the last slot where that begins at the same time. */
function addTo(slots: TruthSlot[], slot: TruthSlot): void {
  const same = slots.at(-1);
  if (same === undefined || same[0] !== slot[0]) {
    slots.push(slot);
    return;
  }
  same[1] += slot[1];
  same[2] += slot[2];
  same[3] = slot[3];
  const [buckets, added] = [same[4], slot[4]];
  if (buckets === undefined && added !== undefined) same[4] = added;
  else
    added?.forEach((count, i) => {
      buckets![i]! += count;
    });
}

function floorTo(seconds: number, step: number): number {
  return Math.floor(seconds / step) * step;
}
