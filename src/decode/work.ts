/**
 * How much work a decoder has done, so that it can pause before it holds the event loop for long. Counted, not timed: the
 * same request pauses at the same places on any machine. One unit is about ten nanoseconds.
 */
export class Work {
  spent = 0;

  /** @param perSlice Units between two pauses. */
  constructor(private readonly perSlice: number) {}

  /** Whether it is time to pause; the next slice then begins at zero. */
  isSliceDone(): boolean {
    if (this.spent < this.perSlice) return false;
    this.spent = 0;
    return true;
  }
}

/** A field that is only passed over. */
export const FIELD_WORK = 1;
/** A resource, scope or metric, apart from its bytes. */
export const ENVELOPE_WORK = 30;
/** A data point, apart from its bytes. */
export const POINT_WORK = 8;
/** An exemplar, apart from its bytes. */
export const EXEMPLAR_WORK = 20;
/** A series seen for the first time: its identity, classification and row. */
export const NEW_SERIES_WORK = 1_500;
