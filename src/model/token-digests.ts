/**
 * Tokens as digests: compared all of them, each in constant time, so that neither a prefix nor a length nor a place in the
 * list can be measured. Enters: tokens that may change; leaves: whether a digest is that of one of them. Tokens themselves
 * are never kept.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Reloaded } from './reloaded.js';

export function digestToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

/** Whether a digest is that of one of the tokens; follows their changes. */
export function followTokens(tokens: Reloaded<readonly string[]>): (digest: Buffer) => boolean {
  let digests = tokens.current().map(digestToken);
  tokens.onChange((changed) => {
    digests = changed.map(digestToken);
  });
  return (digest) => {
    let isKnown = false;
    for (const known of digests) if (timingSafeEqual(known, digest)) isKnown = true;
    return isKnown;
  };
}
