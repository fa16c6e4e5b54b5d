/** TLS, tokens and CORS at a running receiver, with real clients on both ports. */
import { readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { credentials, Metadata } from '@grpc/grpc-js';
import { OTLPMetricExporter as GrpcExporter } from '@opentelemetry/exporter-metrics-otlp-grpc';
import { OTLPMetricExporter as JsonExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type PushMetricExporter,
} from '@opentelemetry/sdk-metrics';
import { afterAll, beforeAll, describe, expect, vi } from 'vitest';
import { type Authority, type CertificatePair, makeAuthority } from '../testkit/certificates.js';
import { type RawAnswer, statusOf } from '../testkit/http-sender.js';
import { gauge, numberPoint, request, toJson, toProtobuf } from '../testkit/otlp-message.js';
import { readStatus } from '../testkit/receiver-fixture.js';
import { type RunningPipeline, startPipeline } from '../testkit/running-pipeline.js';
import { sendGrpc, sendHttp, shakeHands } from '../testkit/secured-senders.js';
import { makeDataDirectory, waitUntil } from '../testkit/server.js';
import { line } from './line.js';

/** Comparisons of bytes in constant time, by the lengths compared. */
const compared: number[] = [];
vi.mock('node:crypto', async (importOriginal) => {
  const crypto = await importOriginal<typeof import('node:crypto')>();
  const timingSafeEqual: typeof crypto.timingSafeEqual = (a, b) => {
    compared.push(a.byteLength);
    return crypto.timingSafeEqual(a, b);
  };
  return { ...crypto, timingSafeEqual };
});

const files = makeDataDirectory();
afterAll(() => files.remove());
const pathOf = (name: string) => join(files.path, name);
const write = (name: string, text: string) => writeFileSync(pathOf(name), text);

let receiver: RunningPipeline;
let logged = '';
async function start(settings: Record<string, string>): Promise<void> {
  logged = '';
  receiver = await startPipeline(
    Date.now,
    { PLUMBLINE_RELOAD_MS: '20', ...settings },
    {
      write: (row: string) => {
        logged += row;
      },
    },
  );
}

const nowPoint = () => numberPoint({ timeUnixNano: BigInt(Date.now()) * 1_000_000n });
const body = () => toProtobuf(request(gauge(nowPoint())));
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** One point of a real SDK through a real exporter; rejects where the export fails. */
async function exportOnce(exporter: PushMetricExporter, name: string): Promise<void> {
  const provider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
  });
  provider.getMeter('test').createCounter(name).add(7);
  const failed = new Promise<never>((_, reject) => {
    const send = exporter.export.bind(exporter);
    exporter.export = (metrics, done) =>
      send(metrics, (result) => {
        if (result.error) reject(result.error);
        done(result);
      });
  });
  failed.catch(() => {});
  await Promise.race([provider.forceFlush(), failed]);
  await provider.shutdown();
}

describe('tokens', () => {
  const FIRST = 'first-token';
  const LONG = 'L'.repeat(300);
  beforeAll(() => {
    write('tokens', `# of the shop\nfrom-file\r\n\n${LONG}\n`);
    return start({
      PLUMBLINE_AUTH_TOKENS: `${FIRST}, second.~+/token==`,
      PLUMBLINE_AUTH_TOKENS_FILE: pathOf('tokens'),
      PLUMBLINE_REQUEST_BYTES_MAX: '1048576',
    });
  });
  afterAll(() => receiver.stop());

  line('auth.tokens', 'each of them, from both settings, and the scheme in any case', async () => {
    for (const token of [FIRST, 'second.~+/token==', 'from-file', LONG]) {
      expect((await sendHttp(receiver.http, body(), { headers: bearer(token) })).status).toBe(200);
      expect(await sendGrpc(receiver.grpc, body(), { headers: bearer(token) })).toBe('OK');
    }
    const headers = { authorization: `bEARER ${FIRST}` };
    expect((await sendHttp(receiver.http, body(), { headers })).status).toBe(200);
  });

  const WRONG: Record<string, Record<string, string>> = {
    'no header': {},
    'a token that is not known': bearer('third-token'),
    'part of a token': bearer('first'),
    'a token and more': bearer(`${FIRST}x`),
    'a token in another case': bearer('FIRST-TOKEN'),
    'no token': { Authorization: 'Bearer ' },
    'two tokens': bearer(`${FIRST} ${FIRST}`),
    'a remark of the file': bearer('# of the shop'),
    'another scheme': { Authorization: `Basic ${Buffer.from(`user:${FIRST}`).toString('base64')}` },
  };

  line('auth.tokens', 'whatever else is shown is refused on both ports', async () => {
    for (const [name, headers] of Object.entries(WRONG)) {
      const answer = await sendHttp(receiver.http, body(), { headers });
      expect([name, answer.status, answer.headers['www-authenticate']]).toEqual([
        name,
        401,
        expect.stringMatching(/^Bearer realm=/),
      ]);
      const error = await sendGrpc(receiver.grpc, body(), { headers });
      expect([name, error]).toMatchObject([
        name,
        { code: 16, details: expect.stringMatching(/bearer token|token is not accepted/) },
      ]);
    }
  });

  line('http.unauthenticated', async () => {
    const refused = await sendHttp(receiver.http, body());
    expect([refused.status, statusOf(refused).code]).toEqual([401, 16]);
    expect(statusOf(refused).details).toEqual({});
    const headers = { 'Content-Type': 'application/json', ...bearer('nobody') };
    const json = await sendHttp(receiver.http, toJson(request()), { headers });
    expect([json.status, statusOf(json).code, json.headers['content-type']]).toEqual([
      401,
      16,
      'application/json',
    ]);
    // A path that does not exist is nobody's business either.
    expect((await sendHttp(receiver.http, body(), {}, 'POST', '/v1/other')).status).toBe(401);
    const error = await sendGrpc(receiver.grpc, body());
    if (error === 'OK') throw new Error('was taken');
    const [details] = error.metadata.get('grpc-status-details-bin');
    expect(readStatus(details as Buffer).code).toBe(16);
  });

  line('auth.tokens', 'the refusal comes before the body, on both ports', async () => {
    // Larger than any request may be: whoever reads it says 413 or RESOURCE_EXHAUSTED.
    const large = Buffer.alloc(4 * 1024 * 1024);
    expect((await sendHttp(receiver.http, large)).status).toBe(401);
    expect(await sendGrpc(receiver.grpc, large)).toMatchObject({ code: 16 });
    const headers = bearer(FIRST);
    expect((await sendHttp(receiver.http, large, { headers })).status).toBe(413);
    expect(await sendGrpc(receiver.grpc, large, { headers })).toMatchObject({ code: 8 });
  });

  line('auth.tokens', 'the exporters of OpenTelemetry show them', async () => {
    const url = `http://${receiver.http}/v1/metrics`;
    const headers = bearer('from-file');
    const metadata = new Metadata();
    metadata.set('authorization', headers.Authorization);
    await exportOnce(new ProtobufExporter({ url, headers }), 'token.protobuf');
    await exportOnce(new JsonExporter({ url, headers }), 'token.json');
    await exportOnce(new GrpcExporter({ url: `http://${receiver.grpc}`, metadata }), 'token.grpc');
    await expect(exportOnce(new ProtobufExporter({ url }), 'token.none')).rejects.toMatchObject({
      code: 401,
    });
    const rows = await receiver.stored(
      "SELECT metric_name FROM series FINAL WHERE metric_name LIKE 'token.%' ORDER BY 1",
    );
    expect(rows).toEqual(
      ['token.grpc', 'token.json', 'token.protobuf'].map((metric_name) => ({ metric_name })),
    );
  });

  line('auth.tokens', 'a changed file takes effect, one that is of no use does not', async () => {
    const statusWith = async (token: string) =>
      (await sendHttp(receiver.http, body(), { headers: bearer(token) })).status;
    write('tokens.new', 'fresh\n');
    renameSync(pathOf('tokens.new'), pathOf('tokens'));
    await waitUntil(
      () => statusWith('fresh'),
      (status) => status === 200,
      10_000,
    );
    expect(await sendGrpc(receiver.grpc, body(), { headers: bearer('fresh') })).toBe('OK');
    expect(await statusWith('from-file')).toBe(401);
    expect(await sendGrpc(receiver.grpc, body(), { headers: bearer('from-file') })).toMatchObject({
      code: 16,
    });
    expect(await statusWith(FIRST)).toBe(200);
    for (const useless of ['', '# nothing\n', 'fr esh-secret\n']) {
      write('tokens', useless);
      await receiver.pipeline.reload();
      expect(await statusWith('fresh')).toBe(200);
    }
    rmSync(pathOf('tokens'));
    await receiver.pipeline.reload();
    expect(await statusWith('fresh')).toBe(200);
    expect(logged).toContain('what was read before stays in use');
    expect(logged).not.toMatch(/secret|fresh|first-token/);
    write('tokens', 'again\n');
    await receiver.pipeline.reload();
    expect([await statusWith('again'), await statusWith('fresh')]).toEqual([200, 401]);
  });

  line('auth.tokens', 'health, page and SQL stay open', async () => {
    const { web, sql } = receiver.pipeline.addresses();
    for (const url of [`http://${web}/healthz`, `http://${web}/readyz`, `http://${sql}/ping`]) {
      expect((await fetch(url)).status).toBe(200);
    }
  });

  line('auth.constant-time', async () => {
    const shown = [FIRST, 'again', 'f', 'first-tokem', LONG, 'x'.repeat(8_000), ''];
    const counts: number[][] = [];
    for (const token of shown) {
      for (const send of [sendHttp, sendGrpc]) {
        compared.length = 0;
        const address = send === sendHttp ? receiver.http : receiver.grpc;
        await send(address, body(), { headers: bearer(token) });
        counts.push([...compared]);
      }
    }
    // Three tokens are allowed: each is compared, as a hash, whether one before it was right or not.
    expect(counts).toEqual(counts.map(() => [32, 32, 32]));
  });
});

const ORIGIN = 'https://shop.example';
const OTHER = 'https://evil.example';
const PREFLIGHT = {
  'Access-Control-Request-Method': 'POST',
  'Access-Control-Request-Headers': 'content-type,x-tenant',
};
const corsOf = ({ headers }: RawAnswer) =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith('access-control-')));
const bodyOf = (method: string) => (method === 'POST' ? body() : Buffer.alloc(0));
const from = (origin: string, more: Record<string, string> = {}) => ({
  headers: { Origin: origin, ...more },
});

describe('CORS of exact origins', () => {
  beforeAll(() =>
    start({
      PLUMBLINE_AUTH_TOKENS: 'token',
      PLUMBLINE_CORS_ORIGINS: `${ORIGIN}, http://localhost:3000`,
      PLUMBLINE_CORS_HEADERS: 'X-Tenant,traceparent',
      PLUMBLINE_REQUEST_BYTES_MAX: '65536',
      PLUMBLINE_BODY_IDLE_MS: '100',
    }),
  );
  afterAll(() => receiver.stop());

  line('cors.outside', 'a preflight needs no token and no body', async () => {
    const answer = await sendHttp(receiver.http, Buffer.alloc(0), from(ORIGIN, PREFLIGHT), 'OPTIONS');
    expect([answer.status, answer.bytes.length]).toEqual([204, 0]);
    expect(corsOf(answer)).toMatchObject({
      'access-control-allow-origin': ORIGIN,
      'access-control-allow-methods': 'POST',
      'access-control-max-age': expect.stringMatching(/^[1-9]\d+$/),
    });
  });

  line('cors.outside', 'every answer has them: success, 400, 401, 404, 405, 413, 415, 503', async () => {
    const token = bearer('token');
    const answers = {
      200: await sendHttp(receiver.http, body(), from(ORIGIN, token)),
      400: await sendHttp(receiver.http, Buffer.from('x'), from(ORIGIN, token)),
      401: await sendHttp(receiver.http, body(), from(ORIGIN)),
      404: await sendHttp(receiver.http, body(), from(ORIGIN, token), 'POST', '/v1/traces'),
      405: await sendHttp(receiver.http, body(), from(ORIGIN, token), 'PUT'),
      413: await sendHttp(receiver.http, Buffer.alloc(70_000), from(ORIGIN, token)),
      415: await sendHttp(receiver.http, body(), from(ORIGIN, { ...token, 'Content-Type': 'text/plain' })),
      // The announced body never comes.
      503: await sendHttp(receiver.http, Buffer.alloc(0), from(ORIGIN, { ...token, 'Content-Length': '10' })),
    };
    for (const [status, answer] of Object.entries(answers)) {
      expect(answer.status).toBe(Number(status));
      expect(corsOf(answer)['access-control-allow-origin']).toBe(ORIGIN);
      expect(corsOf(answer)['access-control-expose-headers']).toMatch(/Retry-After/i);
      expect(answer.headers.vary).toContain('Origin');
    }
    expect(answers[503].headers['retry-after']).toBe('1');
  });

  line('cors.origin', 'any of those set is echoed with Vary, no other', async () => {
    for (const origin of [ORIGIN, 'http://localhost:3000']) {
      for (const method of ['OPTIONS', 'POST']) {
        const answer = await sendHttp(receiver.http, bodyOf(method), from(origin, bearer('token')), method);
        expect(corsOf(answer)['access-control-allow-origin']).toBe(origin);
        expect(corsOf(answer)['access-control-allow-credentials']).toBe('true');
        expect(answer.headers.vary).toContain('Origin');
      }
    }
    const near = [
      'https://shop.example.evil.example',
      'http://shop.example',
      'https://shop.example:444',
      'null',
    ];
    for (const origin of [OTHER, ...near]) {
      for (const method of ['OPTIONS', 'POST']) {
        const answer = await sendHttp(receiver.http, bodyOf(method), from(origin, bearer('token')), method);
        expect(corsOf(answer)['access-control-allow-origin']).toBeUndefined();
        expect(answer.headers.vary).toContain('Origin');
      }
    }
  });

  line('cors.headers', async () => {
    const preflight = await sendHttp(receiver.http, Buffer.alloc(0), from(ORIGIN, PREFLIGHT), 'OPTIONS');
    const allowed = String(corsOf(preflight)['access-control-allow-headers']).toLowerCase().split(/, */);
    expect(allowed).toEqual(['content-type', 'content-encoding', 'authorization', 'x-tenant', 'traceparent']);
    const answer = await sendHttp(receiver.http, body(), from(ORIGIN, bearer('token')));
    expect(corsOf(answer)['access-control-expose-headers']).toBe('Retry-After');
  });
});

describe('CORS of any origin', () => {
  beforeAll(() => start({ PLUMBLINE_CORS_ORIGINS: '*' }));
  afterAll(() => receiver.stop());

  line('cors.origin', '* is sent as it is, and never with credentials', async () => {
    for (const method of ['OPTIONS', 'POST']) {
      const answer = await sendHttp(receiver.http, bodyOf(method), from(OTHER), method);
      expect(corsOf(answer)['access-control-allow-origin']).toBe('*');
      expect(corsOf(answer)['access-control-allow-credentials']).toBeUndefined();
    }
  });
});

describe('no setting', () => {
  beforeAll(() => start({}));
  afterAll(() => receiver.stop());

  line('cors.off', async () => {
    const answer = await sendHttp(receiver.http, body(), from(ORIGIN));
    expect([answer.status, corsOf(answer), answer.headers.vary]).toEqual([200, {}, undefined]);
    const preflight = await sendHttp(receiver.http, Buffer.alloc(0), from(ORIGIN, PREFLIGHT), 'OPTIONS');
    expect([preflight.status, corsOf(preflight)]).toEqual([405, {}]);
  });
});

describe('TLS', () => {
  let serverCa: Authority;
  let clientCa: Authority;
  let sender: CertificatePair;
  const trusted = () => ({ ca: serverCa.cert, cert: sender.cert, key: sender.key });
  const commonName = async (address: string) => (await shakeHands(address, trusted())).commonName;
  const isShown = (name: string) =>
    waitUntil(
      async () => [await commonName(receiver.http), await commonName(receiver.grpc)],
      (names) => names.every((each) => each === name),
      10_000,
    );

  function writePair({ cert, key }: CertificatePair): void {
    write('cert.pem', cert);
    write('key.pem', key);
  }

  beforeAll(async () => {
    [serverCa, clientCa] = await Promise.all([makeAuthority('servers'), makeAuthority('senders')]);
    sender = await clientCa.sign('shop');
    writePair(await serverCa.sign('first'));
    write('clients.pem', clientCa.cert);
    await start({
      PLUMBLINE_TLS_CERT_FILE: pathOf('cert.pem'),
      PLUMBLINE_TLS_KEY_FILE: pathOf('key.pem'),
      PLUMBLINE_TLS_CLIENT_CA_FILE: pathOf('clients.pem'),
    });
  });
  afterAll(() => receiver.stop());

  line('tls.both-ports', 'versions 1.2 and 1.3, nothing older, h2 for gRPC', async () => {
    for (const [address, protocol] of [
      [receiver.http, 'http/1.1'],
      [receiver.grpc, 'h2'],
    ] as const) {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const limits = { minVersion: version, maxVersion: version, ALPNProtocols: [protocol] };
        const shaken = await shakeHands(address, { ...trusted(), ...limits });
        expect(shaken).toEqual({ version, protocol, commonName: 'first' });
      }
      const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
      await expect(shakeHands(address, { ...trusted(), ...old })).rejects.toThrow(/protocol version/i);
    }
  });

  line(
    'tls.both-ports',
    'senders with a certificate of the authority are served, others are not',
    async () => {
      expect((await sendHttp(receiver.http, body(), { tls: trusted() })).status).toBe(200);
      expect(await sendGrpc(receiver.grpc, body(), { tls: trusted() })).toBe('OK');
      const stranger = await (await makeAuthority('senders')).sign('shop');
      for (const tls of [{ ca: serverCa.cert }, { ca: serverCa.cert, ...stranger }]) {
        await expect(sendHttp(receiver.http, body(), { tls })).rejects.toThrow();
        expect(await sendGrpc(receiver.grpc, body(), { tls })).toMatchObject({ code: 14 });
      }
      // Without TLS there is nothing to talk to.
      await expect(sendHttp(receiver.http, body())).rejects.toThrow();
      expect(await sendGrpc(receiver.grpc, body())).toMatchObject({ code: 14 });
      expect((await sendHttp(receiver.http, body(), { tls: trusted() })).status).toBe(200);
    },
  );

  line('tls.both-ports', 'the exporters of OpenTelemetry show theirs', async () => {
    const url = `https://${receiver.http}/v1/metrics`;
    const httpAgentOptions = trusted();
    const { ca, cert, key } = trusted();
    const shown = credentials.createSsl(Buffer.from(ca), Buffer.from(key), Buffer.from(cert));
    await exportOnce(new ProtobufExporter({ url, httpAgentOptions }), 'tls.protobuf');
    await exportOnce(new JsonExporter({ url, httpAgentOptions }), 'tls.json');
    await exportOnce(new GrpcExporter({ url: `https://${receiver.grpc}`, credentials: shown }), 'tls.grpc');
    const rows = await receiver.stored(
      "SELECT metric_name FROM series FINAL WHERE metric_name LIKE 'tls.%' ORDER BY 1",
    );
    expect(rows).toEqual(['tls.grpc', 'tls.json', 'tls.protobuf'].map((metric_name) => ({ metric_name })));
  });

  line('tls.reload', 'written in place, or by a link that moves on', async () => {
    writePair(await serverCa.sign('second'));
    await isShown('second');
    const third = await serverCa.sign('third');
    for (const [name, text] of [
      ['cert', third.cert],
      ['key', third.key],
    ] as const) {
      write(`${name}-3.pem`, text);
      symlinkSync(pathOf(`${name}-3.pem`), pathOf(`${name}.link`));
      renameSync(pathOf(`${name}.link`), pathOf(`${name}.pem`));
    }
    await isShown('third');
    expect((await sendHttp(receiver.http, body(), { tls: trusted() })).status).toBe(200);
    expect(await sendGrpc(receiver.grpc, body(), { tls: trusted() })).toBe('OK');
  });

  line('tls.reload', 'files that cannot be used change nothing and are logged', async () => {
    const before = await commonName(receiver.http);
    const { cert, key } = await serverCa.sign('fourth');
    const broken: [name: string, text: string, reason: string][] = [
      ['cert.pem', '', 'cannot be used'],
      ['cert.pem', cert, 'the key does not belong to the certificate'],
      ['key.pem', key.slice(0, 60), 'cannot be used'],
      ['clients.pem', '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', 'cannot be used'],
      ['clients.pem', '', 'no certificate in PLUMBLINE_TLS_CLIENT_CA_FILE'],
    ];
    for (const [name, text, reason] of broken) {
      const good = readFileSync(pathOf(name));
      logged = '';
      write(name, text);
      await receiver.pipeline.reload();
      expect([await commonName(receiver.http), await commonName(receiver.grpc)]).toEqual([before, before]);
      await expect(sendHttp(receiver.http, body(), { tls: { ca: serverCa.cert } })).rejects.toThrow();
      expect(logged).toContain(reason);
      expect(logged).not.toContain('PRIVATE KEY');
      writeFileSync(pathOf(name), good);
      await receiver.pipeline.reload();
    }
    writePair({ cert, key });
    await isShown('fourth');
  });

  line('tls.reload', 'another authority of senders counts at once for new connections', async () => {
    const newCa = await makeAuthority('new senders');
    const newSender = await newCa.sign('shop');
    write('clients.pem', newCa.cert);
    await receiver.pipeline.reload();
    const tls = { ca: serverCa.cert, ...newSender };
    expect((await sendHttp(receiver.http, body(), { tls })).status).toBe(200);
    expect(await sendGrpc(receiver.grpc, body(), { tls })).toBe('OK');
    await expect(sendHttp(receiver.http, body(), { tls: trusted() })).rejects.toThrow();
    expect(await sendGrpc(receiver.grpc, body(), { tls: trusted() })).toMatchObject({ code: 14 });
    // Both authorities in one file.
    write('clients.pem', clientCa.cert + newCa.cert);
    await receiver.pipeline.reload();
    expect((await sendHttp(receiver.http, body(), { tls: trusted() })).status).toBe(200);
    expect(await sendGrpc(receiver.grpc, body(), { tls })).toBe('OK');
  });
});
