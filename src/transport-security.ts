/**
 * What guards the OTLP ports, from the settings: certificates, tokens, origins, and a word where a guard is missing.
 * Enters: a Config; leaves: the sources that the receivers ask. Nothing here is ever written to the log but names of
 * files and settings.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import { createSecureContext } from 'node:tls';
import type { Config } from './config.js';
import { UserError } from './model/errors.js';
import type { Reloaded, TlsMaterial } from './model/reloaded.js';
import { openReloadedFiles, type ReloadedFiles } from './reloaded-files.js';

export interface TransportSecurity {
  /** Set where the ports speak TLS. */
  tls: Reloaded<TlsMaterial> | undefined;
  /** Set where senders must show a token. */
  tokens: Reloaded<readonly string[]> | undefined;
  /** Set where pages of other origins may send. */
  cors: { origins: readonly string[]; headers: readonly string[] } | undefined;
  /** Reads every file again. */
  reload(): Promise<void>;
  close(): void;
}

interface Log {
  info(message: string): void;
  error(message: string): void;
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;
/** b64token of RFC 6750, section 2.1: what can be sent in the header. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** token of RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4');
LOOPBACK.addAddress('::1', 'ipv6');

/** Throws UserError where a setting or what its file holds cannot be used. */
export async function openTransportSecurity(config: Config, log: Log): Promise<TransportSecurity> {
  const cors = readCors(config);
  const tls = await openTls(config, log);
  const tokens = await openTokens(config, log);
  const files = [tls, tokens].filter(
    (each) => each !== undefined && 'reload' in each,
  ) as ReloadedFiles<unknown>[];
  return {
    tls,
    tokens,
    cors,
    async reload() {
      await Promise.all(files.map((each) => each.reload()));
    },
    close() {
      for (const each of files) each.close();
    },
  };
}

/** What anyone who reaches a port that is open to other machines can do, or undefined where nothing is open. */
export function describeExposure(config: Config, { tls, tokens }: TransportSecurity): string | undefined {
  if (isLoopback(config.host)) return undefined;
  const open: string[] = [];
  if (tokens === undefined && config.tlsClientCaFile === '') {
    open.push('anyone can send metrics (set PLUMBLINE_AUTH_TOKENS or PLUMBLINE_TLS_CLIENT_CA_FILE)');
  }
  if (tls === undefined) open.push('metrics and tokens travel unencrypted (set PLUMBLINE_TLS_CERT_FILE)');
  const readable = config.clickhouseUrl === '' ? 'the SQL port and the page' : 'the page';
  open.push(`${readable} can be read by anyone (close those ports to other machines)`);
  return `PLUMBLINE_HOST=${config.host} can be reached from other machines: ${open.join('; ')}`;
}

async function openTls(config: Config, log: Log): Promise<ReloadedFiles<TlsMaterial> | undefined> {
  const { tlsCertFile, tlsKeyFile, tlsClientCaFile } = config;
  if (tlsCertFile === '' && tlsKeyFile === '' && tlsClientCaFile === '') return undefined;
  if (tlsCertFile === '' || tlsKeyFile === '') {
    throw new UserError(
      'TLS needs both PLUMBLINE_TLS_CERT_FILE and PLUMBLINE_TLS_KEY_FILE; set the missing one',
    );
  }
  return openReloadedFiles({
    name: 'TLS certificate',
    paths: [tlsCertFile, tlsKeyFile, ...(tlsClientCaFile === '' ? [] : [tlsClientCaFile])],
    parse: ([cert, key, ca]) => checkTls({ cert: cert!, key: key!, ca }),
    everyMs: config.reloadMs,
    log,
  });
}

/** Everything that TLS would only find out, or pass over in silence, at the first handshake. */
function checkTls({ cert, key, ca }: TlsMaterial): TlsMaterial {
  if (!new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) {
    throw new Error('the key does not belong to the certificate');
  }
  const checked = { cert, key, ca: ca && checkAuthorities(ca) };
  createSecureContext({ ...checked, minVersion: 'TLSv1.2' });
  return checked;
}

/**
 * OpenSSL takes what it can read and is silent about the rest: nothing where files were joined without a line end, and
 * then nobody is let in. Leaves every certificate, each on lines of its own.
 */
function checkAuthorities(ca: Buffer): Buffer {
  const blocks = ca.toString('latin1').match(CERTIFICATE) ?? [];
  if (blocks.length === 0) throw new Error('there is no certificate in PLUMBLINE_TLS_CLIENT_CA_FILE');
  for (const block of blocks) new X509Certificate(block);
  return Buffer.from(`${blocks.join('\n')}\n`);
}

/** Tokens of both settings; those of the file change with it. */
async function openTokens(
  config: Config,
  log: Log,
): Promise<Reloaded<readonly string[]> | ReloadedFiles<readonly string[]> | undefined> {
  const fixed = config.authTokens === '' ? [] : readFixedTokens(config.authTokens);
  if (config.authTokensFile === '') {
    return fixed.length === 0 ? undefined : { current: () => fixed, onChange: () => {} };
  }
  return openReloadedFiles({
    name: 'file of tokens',
    paths: [config.authTokensFile],
    parse: ([content]) => [...fixed, ...parseTokens(content!.toString().split(/\r?\n/))],
    everyMs: config.reloadMs,
    log,
  });
}

function readFixedTokens(text: string): string[] {
  try {
    return parseTokens(text.split(','));
  } catch (error) {
    throw new UserError(`PLUMBLINE_AUTH_TOKENS cannot be used: ${(error as Error).message}`);
  }
}

/** Rows that are empty or start with # are no tokens. Errors name a token by its place only. */
function parseTokens(rows: readonly string[]): string[] {
  const tokens = rows.map((row) => row.trim()).filter((row) => row !== '' && !row.startsWith('#'));
  if (tokens.length === 0) throw new Error('there is no token in it');
  const wrong = tokens.findIndex((token) => !TOKEN.test(token));
  if (wrong >= 0) {
    throw new Error(`token ${wrong + 1} has characters that no token may have (A-Z a-z 0-9 - . _ ~ + / =)`);
  }
  return tokens;
}

function readCors({ corsOrigins, corsHeaders }: Config): TransportSecurity['cors'] {
  const origins = splitList(corsOrigins);
  const headers = splitList(corsHeaders);
  if (origins.length === 0) {
    if (headers.length === 0) return undefined;
    throw new UserError('PLUMBLINE_CORS_HEADERS is of no use without PLUMBLINE_CORS_ORIGINS');
  }
  if (origins.includes('*') && origins.length > 1) {
    throw new UserError('PLUMBLINE_CORS_ORIGINS: either * alone or exact origins');
  }
  const wrongOrigin = origins.find((origin) => origin !== '*' && !isOrigin(origin));
  if (wrongOrigin !== undefined) {
    throw new UserError(
      `PLUMBLINE_CORS_ORIGINS: "${wrongOrigin}" is no origin; browsers send scheme, host and port only, like https://shop.example`,
    );
  }
  const wrongHeader = headers.find((header) => !HEADER_NAME.test(header));
  if (wrongHeader !== undefined) {
    throw new UserError(`PLUMBLINE_CORS_HEADERS: "${wrongHeader}" is no name of a header`);
  }
  return { origins, headers };
}

/** Written as a browser writes it, or it could never match. */
function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Origins of other schemes (browser extensions, apps) have no canonical form that URL knows.
  return url !== undefined && (url.origin === text || url.origin === 'null');
}

function splitList(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

function isLoopback(host: string): boolean {
  if (host === 'localhost') return true;
  const family = isIP(host);
  return family !== 0 && LOOPBACK.check(host, family === 6 ? 'ipv6' : 'ipv4');
}
