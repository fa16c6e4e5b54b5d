/**
 * Bearer tokens (RFC 6750, section 2.1). Enters: an Authorization header; leaves: what is wrong with it, if anything.
 * It never keeps or logs a token.
 */
import { PermanentError } from '../model/errors.js';
import type { Reloaded } from '../model/reloaded.js';
import { digestToken, followTokens } from '../model/token-digests.js';

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
  const isKnown = followTokens(tokens);
  return (authorization) => {
    const shown = /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
    const isAccepted = isKnown(digestToken(shown ?? ''));
    if (shown === undefined) return 'token_missing';
    return isAccepted ? undefined : 'token_not_accepted';
  };
}
