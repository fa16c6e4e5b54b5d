/** Which settings start ports that other machines reach, and what the refusal and the log say. */
import { describe, expect, it } from 'vitest';
import { readConfig } from '../src/config.js';
import { describeExposure, refuseOpenPorts } from '../src/port-exposure.js';

const tokens = { current: () => ['t'], onChange: () => {} };
const readers = { read: tokens, admin: undefined };
const NONE = { tls: undefined, tokens: undefined, readers: undefined };
const ALL = { tls: undefined, tokens, readers };
const refuse = (settings: Record<string, string>, guards = NONE as Parameters<typeof refuseOpenPorts>[1]) => {
  try {
    refuseOpenPorts(readConfig(settings), guards);
    return '';
  } catch (error) {
    return (error as Error).message;
  }
};
const namedPorts = (message: string) => [...message.matchAll(/^ {2}(\w+) \(/gm)].map(([, port]) => port);

describe('ports that ask for no credential', () => {
  it.each(['127.0.0.1', '127.9.9.9', '::1', 'localhost', '0:0:0:0:0:0:0:1'])('start on %s', (host) => {
    expect(refuse({ PLUMBLINE_HOST: host })).toBe('');
  });

  it.each(['0.0.0.0', '::', '10.0.0.7', 'metrics.example', '::ffff:10.0.0.7'])(
    'do not start on %s',
    (host) => {
      const message = refuse({ PLUMBLINE_HOST: host });
      expect(namedPorts(message)).toEqual(['grpc', 'http', 'sql', 'web']);
      expect(message).toContain(
        `sql (${host}:8123): anyone could read everything with SQL. Set PLUMBLINE_READ_TOKENS`,
      );
      expect(message).toContain('or PLUMBLINE_WEB_HOST=127.0.0.1');
      expect(message).toContain('PLUMBLINE_INSECURE=grpc,http,sql,web');
    },
  );

  it('are named one by one, by the address of each', () => {
    expect(namedPorts(refuse({ PLUMBLINE_SQL_HOST: '0.0.0.0' }))).toEqual(['sql']);
    expect(namedPorts(refuse({ PLUMBLINE_HOST: '0.0.0.0', PLUMBLINE_SQL_HOST: '127.0.0.1' }))).toEqual([
      'grpc',
      'http',
      'web',
    ]);
    expect(namedPorts(refuse({ PLUMBLINE_HOST: '0.0.0.0', PLUMBLINE_INSECURE: 'http, grpc' }))).toEqual([
      'sql',
      'web',
    ]);
    expect(namedPorts(refuse({ PLUMBLINE_HOST: '0.0.0.0', CLICKHOUSE_URL: 'http://c:8123' }))).toEqual([
      'grpc',
      'http',
      'web',
    ]);
  });

  it('start where each is allowed to, and the log says so', () => {
    const settings = { PLUMBLINE_HOST: '0.0.0.0', PLUMBLINE_INSECURE: 'grpc,http,sql,web' };
    expect(refuse(settings)).toBe('');
    expect(describeExposure(readConfig(settings), NONE)).toContain(
      'grpc, http, sql, web can be used by anyone',
    );
  });

  it('are not those with tokens or client certificates', () => {
    const settings = { PLUMBLINE_HOST: '0.0.0.0' };
    expect(refuse(settings, ALL)).toBe('');
    expect(namedPorts(refuse(settings, { ...NONE, tokens }))).toEqual(['sql', 'web']);
    expect(namedPorts(refuse(settings, { ...NONE, readers }))).toEqual(['grpc', 'http']);
    expect(namedPorts(refuse({ ...settings, PLUMBLINE_TLS_CLIENT_CA_FILE: 'ca.pem' }))).toEqual([
      'sql',
      'web',
    ]);
  });

  it('a port that there is not cannot be allowed', () => {
    expect(refuse({ PLUMBLINE_INSECURE: 'sql,htttp' })).toContain(
      '"htttp" is no port; there are grpc, http, sql, web',
    );
  });
});

it('what travels unencrypted is said, and nothing of ports that only this machine reaches', () => {
  const tls = { current: () => ({ cert: Buffer.of(), key: Buffer.of(), ca: undefined }), onChange: () => {} };
  const config = readConfig({ PLUMBLINE_HOST: '0.0.0.0' });
  expect(describeExposure(config, ALL)).toContain(
    'over grpc, http, sql, web, tokens included, is unencrypted',
  );
  expect(describeExposure(config, { ...ALL, tls })).toContain('over sql, web, tokens');
  expect(describeExposure(readConfig({}), NONE)).toBeUndefined();
});
