/**
 * What guards the OTLP ports, from the settings: certificates, tokens, origins, and a word where a guard is missing.
 * Enters: a Config; leaves: the sources that the receivers ask. Nothing here is ever written to the log but names of
 * files and settings.
 */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { Config } from './config.js';
import { UserError } from './model/errors.js';
import type { Reloaded, TlsMaterial } from './model/reloaded.js';
import type { RoleTokens } from './model/roles.js';
import { openTokens, splitList } from './port-tokens.js';
import { openReloadedFiles, type ReloadedFiles } from './reloaded-files.js';

export interface TransportSecurity {
  /** Set where the ports speak TLS. */
  tls: Reloaded<TlsMaterial> | undefined;
  /** Set where senders must show a token. */
  tokens: Reloaded<readonly string[]> | undefined;
  /** Set where whoever reads must show a token of one of these roles. */
  readers: RoleTokens | undefined;
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
/** token of RFC 9110, section 5.6.2. */
const HEADER_NAME = /^[\w!#$%&'*+.^`|~-]+$/;

/** Throws UserError where a setting or what its file holds cannot be used. */
export async function openTransportSecurity(config: Config, log: Log): Promise<TransportSecurity> {
  const cors = readCors(config);
  const tls = await openTls(config, log);
  const tokens = await openTokens('ingest', config, log);
  const read = await openTokens('read', config, log);
  const admin = await openTokens('admin', config, log);
  const files = [tls, tokens, read, admin].filter(
    (each) => each !== undefined && 'reload' in each,
  ) as ReloadedFiles<unknown>[];
  return {
    tls,
    tokens,
    readers: read === undefined && admin === undefined ? undefined : { read, admin },
    cors,
    async reload() {
      await Promise.all(files.map((each) => each.reload()));
    },
    close() {
      for (const each of files) each.close();
    },
  };
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
export function isOrigin(text: string): boolean {
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(text)) return false;
  const url = URL.canParse(text) ? new URL(text) : undefined;
  // Origins of other schemes (browser extensions, apps) have no canonical form that URL knows.
  return url !== undefined && (url.origin === text || url.origin === 'null');
}
