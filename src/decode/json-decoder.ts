/** placeholder until the real decoder lands */
import type { DecodeContext, DecodeResult } from './decode-context.js';
export function decodeJson(_b: Uint8Array, _c: DecodeContext): DecodeResult {
  throw new Error('not yet');
}
