/**
 * What guards the ports that answer questions, from the settings: tokens of roles, names of this server, origins of pages.
 * Enters: a Config and tokens; leaves: the options of the SQL port and of the web port. UserErrors name the setting.
 */
import type { Config } from './config.js';
import { UserError } from './model/errors.js';
import type { RoleTokens } from './model/roles.js';
import { splitList } from './port-tokens.js';
import { RefusedSenders } from './receive/refused-senders.js';
import { type CredentialProblem, createRoleCheck } from './show/credentials.js';
import type { SqlAccessOptions } from './show/sql-access.js';
import type { WebAccessOptions } from './show/web-access.js';
import { isOrigin } from './transport-security.js';

export interface ReaderAccessOptions {
  config: Config;
  roles: RoleTokens | undefined;
  log: { warn(message: string): void };
  nowUnixMs: () => number;
}

export function createReaderAccess({ config, roles: tokens, log, nowUnixMs }: ReaderAccessOptions): {
  sql: SqlAccessOptions;
  web: WebAccessOptions;
} {
  const roles = tokens && createRoleCheck(tokens);
  const allowedHosts = readHosts(config);
  const allowedOrigins = readOrigins(config);
  const refused = new RefusedSenders({ warn: (message) => log.warn(message), nowUnixMs });
  const recordFor = (port: string) => (problem: CredentialProblem, peer: string) =>
    refused.record(problem, peer, port);
  const shared = { roles, allowedHosts, allowedOrigins };
  return {
    sql: { ...shared, host: config.sqlHost, onUnauthenticated: recordFor('the SQL port') },
    web: { ...shared, host: config.webHost, onUnauthenticated: recordFor('the web port'), nowUnixMs },
  };
}

/** Names only: a port or a scheme would never match. */
function readHosts({ allowedHosts }: Config): string[] {
  const hosts = splitList(allowedHosts).map((host) => host.toLowerCase().replace(/^\[(.*)\]$/, '$1'));
  const wrong = hosts.find((host) => !/^[a-z0-9._-]+$|^[0-9a-f:.]+$/.test(host));
  if (wrong === undefined) return hosts;
  throw new UserError(
    `PLUMBLINE_ALLOWED_HOSTS: "${wrong}" is no name of a host; write names without scheme and port, like plumbline.example`,
  );
}

function readOrigins({ allowedOrigins }: Config): string[] {
  const origins = splitList(allowedOrigins);
  const wrong = origins.find((origin) => !isOrigin(origin));
  if (wrong === undefined) return origins;
  throw new UserError(
    `PLUMBLINE_ALLOWED_ORIGINS: "${wrong}" is no origin; browsers send scheme, host and port only, like https://board.example`,
  );
}
