/**
 * Three servers for all programs: one that takes what comes, one that wants a token, and one that wants a certificate and a
 * token over TLS. Leaves: their addresses, the token, and a folder with the files that a sender shows.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { makeAuthority } from '../testkit/certificates.js';
import { makeDataDirectory, startServer } from '../testkit/server.js';

/** Every character that a bearer token may have beside letters and digits (RFC 6750, section 2.1). */
const TOKEN = 's3cret-._~+/token==';

export interface Addresses {
  grpc: string;
  http: string;
  sql: string;
  web: string;
}

export interface Plumblines {
  plain: Addresses;
  token: Addresses;
  tls: Addresses;
  secret: string;
  /** Has ca.pem, client.pem and client-key.pem, as the page calls them. */
  senderFolder: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    plumblines: Plumblines;
  }
}

export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const files = makeDataDirectory();
  const tls = await writeCertificates(files.path);
  const token = { PLUMBLINE_AUTH_TOKENS: TOKEN };
  const started = [{}, token, { ...token, ...tls.server }].map(async (settings) => {
    const data = makeDataDirectory();
    const server = await startServer(data.path, { PLUMBLINE_DRAIN_INTERVAL_MS: '100', ...settings });
    return { data, server };
  });
  const servers = await Promise.all(started);
  const [plain, withToken, withTls] = servers.map(
    ({ server: { grpc, http, sql, web } }): Addresses => ({ grpc, http, sql, web }),
  );
  project.provide('plumblines', {
    plain: plain!,
    token: withToken!,
    tls: withTls!,
    secret: TOKEN,
    senderFolder: tls.senderFolder,
  });
  return async () => {
    for (const { data, server } of servers) {
      await server.stop();
      data.remove();
    }
    files.remove();
  };
}

async function writeCertificates(folder: string) {
  const [servers, senders] = [await makeAuthority('servers'), await makeAuthority('senders')];
  const [server, sender] = [await servers.sign('127.0.0.1'), await senders.sign('checkout')];
  const senderFolder = join(folder, 'sender');
  mkdirSync(senderFolder);
  const write = (path: string, pem: string) => {
    writeFileSync(join(folder, path), pem, { mode: 0o600 });
    return join(folder, path);
  };
  write('sender/ca.pem', servers.cert);
  write('sender/client.pem', sender.cert);
  write('sender/client-key.pem', sender.key);
  return {
    senderFolder,
    server: {
      PLUMBLINE_TLS_CERT_FILE: write('server.pem', server.cert),
      PLUMBLINE_TLS_KEY_FILE: write('server-key.pem', server.key),
      PLUMBLINE_TLS_CLIENT_CA_FILE: write('senders.pem', senders.cert),
    },
  };
}
