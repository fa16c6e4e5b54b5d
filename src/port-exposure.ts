/**
 * Which ports other machines reach, and what such a port must ask for. Enters: a Config and what guards the ports; leaves: a
 * UserError where a port would be open to everybody, or a line for the log where secrets travel in the clear.
 */
import type { Config } from './config.js';
import { UserError } from './model/errors.js';
import { isLoopback } from './model/loopback.js';
import { splitList } from './port-tokens.js';
import type { TransportSecurity } from './transport-security.js';

type Port = 'grpc' | 'http' | 'sql' | 'web';

const PORTS: readonly Port[] = ['grpc', 'http', 'sql', 'web'];
const REMEDIES: Record<Port, string> = {
  grpc: 'PLUMBLINE_AUTH_TOKENS, PLUMBLINE_AUTH_TOKENS_FILE or PLUMBLINE_TLS_CLIENT_CA_FILE',
  http: 'PLUMBLINE_AUTH_TOKENS, PLUMBLINE_AUTH_TOKENS_FILE or PLUMBLINE_TLS_CLIENT_CA_FILE',
  sql: 'PLUMBLINE_READ_TOKENS or PLUMBLINE_READ_TOKENS_FILE',
  web: 'PLUMBLINE_READ_TOKENS or PLUMBLINE_READ_TOKENS_FILE',
};
const ABILITIES: Record<Port, string> = {
  grpc: 'send metrics over gRPC',
  http: 'send metrics over HTTP',
  sql: 'read everything with SQL',
  web: 'read the web port',
};

type Guards = Pick<TransportSecurity, 'tls' | 'tokens' | 'readers'>;

/** Throws UserError naming each port that everybody could use, and what to set. */
export function refuseOpenPorts(config: Config, guards: Guards): void {
  const allowed = readInsecurePorts(config);
  const open = listExposed(config).filter((port) => !isGuarded(port, config, guards) && !allowed.has(port));
  if (open.length === 0) return;
  const lines = open.map((port) => {
    const upper = port.toUpperCase();
    return (
      `${port} (${config[`${port}Host`]}:${config[`${port}Port`]}): anyone could ${ABILITIES[port]}. ` +
      `Set ${REMEDIES[port]}, or PLUMBLINE_${upper}_HOST=127.0.0.1`
    );
  });
  const all = splitList([config.insecurePorts, ...open].join(',')).join(',');
  throw new UserError(
    `these ports can be reached from other machines and ask for no credential:\n  ${lines.join('\n  ')}\n` +
      `PLUMBLINE_INSECURE=${all} starts them as they are, where the network keeps strangers out. docs/security.md`,
  );
}

/** What travels unencrypted to other machines; undefined where nothing does. */
export function describeExposure(config: Config, guards: Guards): string | undefined {
  const exposed = listExposed(config);
  const allowed = readInsecurePorts(config);
  const parts: string[] = [];
  const open = exposed.filter((port) => !isGuarded(port, config, guards) && allowed.has(port));
  if (open.length > 0) parts.push(`${open.join(', ')} can be used by anyone (PLUMBLINE_INSECURE)`);
  const isPlain = (port: Port) => guards.tls === undefined || port === 'sql' || port === 'web';
  const plain = exposed.filter(isPlain);
  if (plain.length > 0) {
    parts.push(
      `what goes over ${plain.join(', ')}, tokens included, is unencrypted (docs/security.md has TLS and proxies)`,
    );
  }
  return parts.length === 0 ? undefined : `ports can be reached from other machines: ${parts.join('; ')}`;
}

function listExposed(config: Config): Port[] {
  const opened = PORTS.filter((port) => port !== 'sql' || config.clickhouseUrl === '');
  return opened.filter((port) => !isLoopback(config[`${port}Host`]));
}

function isGuarded(port: Port, config: Config, { tokens, readers }: Guards): boolean {
  if (port === 'sql' || port === 'web') return readers !== undefined;
  return tokens !== undefined || config.tlsClientCaFile !== '';
}

function readInsecurePorts({ insecurePorts }: Config): Set<string> {
  const names = splitList(insecurePorts);
  const unknown = names.find((name) => !PORTS.some((port) => port === name));
  if (unknown !== undefined) {
    throw new UserError(`PLUMBLINE_INSECURE: "${unknown}" is no port; there are ${PORTS.join(', ')}`);
  }
  return new Set(names);
}
