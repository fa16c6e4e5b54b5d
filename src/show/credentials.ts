/**
 * Credentials of the ports that answer questions. Enters: tokens of each role, and the head of a request; leaves: the role
 * that the request has, or none. A token is shown as a bearer token, or as a password wherever ClickHouse's clients put one.
 * Tokens are never kept, logged or repeated.
 */
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Role, RoleTokens } from '../model/roles.js';
import { digestToken, followTokens } from '../model/token-digests.js';
import { readCredentials } from './sql-request.js';

export interface RoleCheck {
  /** Whether any token is one of an admin. */
  readonly hasAdmins: boolean;
  /** The highest role of a token, by its digest; undefined where it is not accepted. Follows changes of the tokens. */
  findRole(digest: Buffer): Role | undefined;
}

export type CredentialProblem = 'token_missing' | 'token_not_accepted';

export function createRoleCheck({ read, admin }: RoleTokens): RoleCheck {
  const isReader = read ? followTokens(read) : () => false;
  const isAdmin = admin ? followTokens(admin) : () => false;
  return {
    hasAdmins: admin !== undefined,
    findRole(digest) {
      // Both are compared whatever the first one says, so that the time says nothing.
      const [reads, administers] = [isReader(digest), isAdmin(digest)];
      if (administers) return 'admin';
      return reads ? 'read' : undefined;
    },
  };
}

/** The token of `Authorization: Bearer …` (RFC 6750, section 2.1). */
export function readBearer({ authorization }: IncomingHttpHeaders): string | undefined {
  return /^bearer +([^ ]+) *$/i.exec(authorization ?? '')?.[1];
}

/** Why a request may not ask SQL, if it may not: bearer, HTTP Basic, X-ClickHouse-Key and the URL are looked at in turn. */
export function findSqlProblem(
  check: RoleCheck,
  { headers, url }: IncomingMessage,
): CredentialProblem | undefined {
  const shown = readBearer(headers) ?? readPassword(headers, url!);
  if (shown === '') return 'token_missing';
  return check.findRole(digestToken(shown)) === undefined ? 'token_not_accepted' : undefined;
}

function readPassword(headers: IncomingHttpHeaders, url: string): string {
  const query = url.indexOf('?');
  const values = new Map(new URLSearchParams(query < 0 ? '' : url.slice(query)));
  return readCredentials(headers, values).password;
}
