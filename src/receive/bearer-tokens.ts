/**
 * Bearer tokens (RFC 6750, section 2.1). Enters: an Authorization header; leaves: what is wrong with it, if anything.
 * Digests are compared, all of them, each in constant time, so that neither a prefix nor a length nor a place in the
 * list can be measured. It never keeps or logs a token.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { PermanentError } from '../model/errors.js';
import type { Reloaded } from '../model/reloaded.js';

export type TokenProblem = 'token_missing' | 'token_not_accepted';

/** Undefined where the header carries one of the tokens. */
export type Authorize = (authorization: string | undefined) => TokenProblem | undefined;

/** What a 401 says in WWW-Authenticate (RFC 6750, section 3). */
export const BEARER_CHALLENGES: Record<TokenProblem, string> = {
  token_missing: 'Bearer realm="plumbline"',
  token_not_accepted: 'Bearer realm="plumbline", error="invalid_token"',
};
const TEXTS: Record<TokenProblem, string> = {
  token_missing: 'a bearer token is needed: send "Authorization: Bearer <token>"',
  token_not_accepted:
    'this token is not accepted: it is none of those in PLUMBLINE_AUTH_TOKENS and PLUMBLINE_AUTH_TOKENS_FILE',
};

export function describeTokenProblem(problem: TokenProblem): PermanentError {
  return new PermanentError('unauthenticated', TEXTS[problem]);
}

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
    if (shown === undefined) return 'token_missing';
    return isKnown ? undefined : 'token_not_accepted';
  };
}

function digest(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
