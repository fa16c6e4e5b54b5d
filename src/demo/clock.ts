/**
 * The clocks the demo runs by, handed in by the command (or by a test). Nothing in this folder asks the system for
 * the time itself.
 */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  unixMs(): number;
  /** A clock that never jumps, milliseconds from any origin. */
  monotonicMs(): number;
}
