/**
 * Bearer tokens (RFC 6750, section 2.1). Enters: an Authorization header; leaves: whether it carries one of the tokens.
 * Digests are compared, all of them, each in constant time, so that neither a prefix nor a length nor a place in the
 * list can be measured. It never keeps or logs a token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Reloaded } from '../model/reloaded.js';

export type Authorize = (authorization: string | undefined) => boolean;

/** What a 401 says in WWW-Authenticate. */
export const BEARER_CHALLENGE = 'Bearer realm="plumbline"';
export const UNAUTHENTICATED_TEXT = 'a bearer token is needed: send "Authorization: Bearer <token>"';

/** @param tokens At least one; the check follows their changes. */
export function createBearerCheck(tokens: Reloaded<readonly string[]>): Authorize {
  let digests = tokens.current().map(digest);
  tokens.onChange((changed) => {
    digests = changed.map(digest);
  });
  return (authorization) => {
    const shown = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
    const shownDigest = digest(shown ?? '');
    let isKnown = false;
    for (const known of digests) if (timingSafeEqual(known, shownDigest)) isKnown = true;
    return isKnown && shown !== undefined;
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
