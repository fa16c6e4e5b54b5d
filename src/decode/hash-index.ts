/**
 * Open-addressing map from a 64-bit key (two words) to a non-negative integer and a note. Enters: keys that are hashes
 * already; leaves: what was stored with them. Four words a slot in one typed array: no object per entry, ever.
 */

const SLOTS_MIN = 2048;

export class HashIndex {
  size = 0;
  /** The note of what `find` found last. */
  foundNote = 0;
  /** Four words a slot, so that a look-up touches one cache line: key low, key high, value + 1 (0 = free), note. */
  private slots = new Uint32Array(4 * SLOTS_MIN);
  private mask = SLOTS_MIN - 1;

  find(lo: number, hi: number): number {
    const { slots, mask } = this;
    for (let slot = (lo ^ (hi >>> 7)) & mask; ; slot = (slot + 1) & mask) {
      const at = slot << 2;
      const value = slots[at + 2]!;
      if (value === 0) return -1;
      if (slots[at] === lo && slots[at + 1] === hi) {
        this.foundNote = slots[at + 3]!;
        return value - 1;
      }
    }
  }

  /** Adds the key, or replaces its value and note. */
  insert(lo: number, hi: number, value: number, note = 0): void {
    if ((this.size + 1) * 8 > this.slots.length) this.rehash(this.slots.length * 2);
    if (this.place(lo, hi, value + 1, note)) this.size++;
  }

  clear(): void {
    this.slots = new Uint32Array(4 * SLOTS_MIN);
    this.mask = SLOTS_MIN - 1;
    this.size = 0;
  }

  /** Every value becomes `values[value]`; entries whose value becomes negative go. */
  renumber(values: Int32Array): void {
    const old = this.slots;
    this.clear();
    for (let at = 0; at < old.length; at += 4) {
      const value = old[at + 2] === 0 ? -1 : values[old[at + 2]! - 1]!;
      if (value >= 0) this.insert(old[at]!, old[at + 1]!, value, old[at + 3]!);
    }
  }

  private place(lo: number, hi: number, stored: number, note: number): boolean {
    const { slots, mask } = this;
    let at = ((lo ^ (hi >>> 7)) & mask) << 2;
    while (slots[at + 2] !== 0 && (slots[at] !== lo || slots[at + 1] !== hi))
      at = (((at >>> 2) + 1) & mask) << 2;
    const isNew = slots[at + 2] === 0;
    slots[at] = lo;
    slots[at + 1] = hi;
    slots[at + 2] = stored;
    slots[at + 3] = note;
    return isNew;
  }

  private rehash(words: number): void {
    const old = this.slots;
    this.slots = new Uint32Array(words);
    this.mask = words / 4 - 1;
    for (let at = 0; at < old.length; at += 4) {
      const stored = old[at + 2]!;
      if (stored !== 0) this.place(old[at]!, old[at + 1]!, stored, old[at + 3]!);
    }
  }
}
