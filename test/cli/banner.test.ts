/** What `plumbline serve` prints when it is ready, by its settings. */
import { describe, expect, it } from 'vitest';
import { describeReady } from '../../src/cli/banner.js';
import { readConfig } from '../../src/config.js';

const ADDRESSES = {
  grpc: '127.0.0.1:4317',
  http: '127.0.0.1:4318',
  sql: '127.0.0.1:8123',
  web: '127.0.0.1:4320',
};
const show = (settings: Record<string, string>) => describeReady(ADDRESSES, '1.2.3', readConfig(settings));
const exported = (settings: Record<string, string>) =>
  [...show(settings).matchAll(/export (OTEL_\w+=\S+(?: OTEL_\w+=\S+)*)/g)].map((match) => match[1]);

describe('the banner', () => {
  it('names endpoint and protocol, without which some SDKs speak gRPC to the HTTP port', () => {
    expect(exported({})).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318',
      'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
    ]);
  });

  it.each([{ PLUMBLINE_AUTH_TOKENS: 'secret' }, { PLUMBLINE_AUTH_TOKENS_FILE: '/etc/tokens' }])(
    'names the header where senders must show a token, and no token: %j',
    (settings) => {
      expect(exported(settings)).toContain('OTEL_EXPORTER_OTLP_HEADERS="authorization=Bearer%20TOKEN"');
      expect(show(settings)).not.toContain('secret');
    },
  );

  it('names the authority where the ports speak TLS, and the certificate that senders must show', () => {
    const tls = { PLUMBLINE_TLS_CERT_FILE: 'cert.pem', PLUMBLINE_TLS_KEY_FILE: 'key.pem' };
    expect(exported(tls)).toEqual([
      'OTEL_EXPORTER_OTLP_ENDPOINT=https://127.0.0.1:4318',
      'OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf',
      'OTEL_EXPORTER_OTLP_CERTIFICATE=ca.pem',
    ]);
    expect(exported({ ...tls, PLUMBLINE_TLS_CLIENT_CA_FILE: 'clients.pem' }).at(-1)).toBe(
      'OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=client.pem OTEL_EXPORTER_OTLP_CLIENT_KEY=client-key.pem',
    );
  });

  describe('names commands that work in another shell', () => {
    const commands = (settings: Record<string, string>, addresses = {}) =>
      describeReady({ ...ADDRESSES, ...addresses }, '1.2.3', readConfig(settings), 'npx plumbline')
        .split('\n')
        .filter((line) => line.includes('npx plumbline'))
        .map((line) => line.trim().replace(/ "SELECT.*/, ''));

    it('without options where all ports are the usual ones', () => {
      expect(commands({})).toEqual(['npx plumbline demo', 'npx plumbline sql']);
      const everywhere = { http: '0.0.0.0:4318', sql: '0.0.0.0:8123' };
      expect(commands({ PLUMBLINE_HOST: '0.0.0.0' }, everywhere)).toEqual([
        'npx plumbline demo',
        'npx plumbline sql',
      ]);
    });

    it('with the addresses where they are others', () => {
      expect(commands({}, { http: '127.0.0.1:5318', sql: '[::]:9123' })).toEqual([
        'npx plumbline demo --endpoint http://127.0.0.1:5318',
        'npx plumbline sql --url http://[::1]:9123',
      ]);
    });

    it('with a token where SQL port and page ask for one, and without printing any', () => {
      for (const settings of [
        { PLUMBLINE_READ_TOKENS: 'secret' },
        { PLUMBLINE_ADMIN_TOKENS_FILE: '/secret' },
      ]) {
        expect(commands(settings)).toEqual(['npx plumbline demo', 'PLUMBLINE_TOKEN=TOKEN npx plumbline sql']);
        expect(show(settings)).toContain(
          'http://127.0.0.1:4320   (asks for a token of the role read or admin)',
        );
        expect(show(settings)).not.toContain('secret');
      }
      expect(show({})).not.toContain('asks for a token');
    });

    it('with TLS, and with a ClickHouse server, whose password is not printed', () => {
      const settings = {
        PLUMBLINE_TLS_CERT_FILE: 'cert.pem',
        PLUMBLINE_TLS_KEY_FILE: 'key.pem',
        CLICKHOUSE_URL: 'http://clickhouse:8123',
        CLICKHOUSE_USER: 'metrics',
        CLICKHOUSE_PASSWORD: 'secret',
        CLICKHOUSE_DATABASE: 'shop',
      };
      expect(commands(settings, { sql: 'http://clickhouse:8123' })).toEqual([
        'npx plumbline demo --endpoint https://127.0.0.1:4318',
        'CLICKHOUSE_USER=metrics CLICKHOUSE_PASSWORD=PASSWORD CLICKHOUSE_DATABASE=shop npx plumbline sql --url http://clickhouse:8123',
      ]);
    });
  });
});
