/** Which requests of browsers are taken and refused, by their head. */
import { describe, expect, it } from 'vitest';
import { createRequestGuard, type RequestGuardOptions } from '../../src/show/request-guard.js';

const guardOf = (options: Partial<RequestGuardOptions> = {}) =>
  createRequestGuard({
    isProtected: false,
    host: '127.0.0.1',
    allowedHosts: [],
    allowedOrigins: [],
    openPaths: ['/ping', '/healthz'],
    ...options,
  });
const head = (headers: Record<string, string>, method = 'GET', localAddress = '127.0.0.1') => ({
  method,
  headers: { host: '127.0.0.1:8123', ...headers },
  socket: { localAddress },
});
const page = { isPage: (path: string) => path === '/' };
const clicked = {
  'sec-fetch-site': 'cross-site',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-dest': 'document',
};

describe('Host, where no credential is asked for', () => {
  const OWN = [
    'localhost',
    'localhost:8123',
    'LOCALHOST.',
    '127.0.0.1:8123',
    '127.1.2.3',
    '[::1]:8123',
    '[::1]',
    'plumbline',
    'Plumbline:80',
    '10.0.0.7:8123',
    '192.168.0.9',
  ];
  it.each(OWN)('%s is a name of this server', (host) => {
    const guard = guardOf({ host: '10.0.0.7', allowedHosts: ['plumbline'] });
    expect(guard.findRefusal(head({ host }, 'GET', '::ffff:192.168.0.9'), '/')).toBeUndefined();
  });

  const FOREIGN = [
    'evil.example',
    'localhost.evil.example:8123',
    '127.0.0.1.evil.example',
    'evil.example:127',
    '10.0.0.8',
    '127.0.0.1@evil.example',
    'localhost:80:80',
    '',
  ];
  it.each(FOREIGN)('"%s" is refused, with the setting that allows it', (host) => {
    const refusal = guardOf().findRefusal(head({ host }), '/');
    expect(refusal).toContain('PLUMBLINE_ALLOWED_HOSTS');
    expect(refusal).toContain(JSON.stringify(host.replace(/:\d*$/, '')));
  });

  it('is any where a credential is asked for', () => {
    expect(guardOf({ isProtected: true }).findRefusal(head({ host: 'db.example' }), '/')).toBeUndefined();
  });

  it('may be missing: no browser leaves it out', () => {
    const request = { method: 'GET', headers: {}, socket: { localAddress: '127.0.0.1' } };
    expect(guardOf().findRefusal(request, '/')).toBeUndefined();
  });
});

describe.each([true, false])('Origin and Sec-Fetch-Site, protected: %s', (isProtected) => {
  const guard = guardOf({ isProtected, allowedOrigins: ['https://board.example'], ...page });
  const TAKEN: [string, Record<string, string>, string?][] = [
    ['a program', {}],
    ['a typed address', { 'sec-fetch-site': 'none' }],
    ['a page of its own', { origin: 'http://127.0.0.1:8123', 'sec-fetch-site': 'same-origin' }, 'POST'],
    ['a page of its own, plain HTTP to another machine', { origin: 'http://127.0.0.1:8123' }, 'POST'],
    ['a page of its own behind a proxy for TLS', { origin: 'https://127.0.0.1:8123' }, 'POST'],
    ['an allowed origin', { origin: 'https://board.example', 'sec-fetch-site': 'cross-site' }, 'POST'],
    ['a link of another site to a page', clicked],
  ];
  it.each(TAKEN)('takes %s', (_name, headers, method) => {
    expect(guard.findRefusal(head(headers, method), '/')).toBeUndefined();
  });

  const REFUSED: [string, Record<string, string>, string?, string?][] = [
    ['a foreign origin', { origin: 'https://evil.example' }, 'POST'],
    ['a foreign origin that asks with GET', { origin: 'https://evil.example' }],
    ['another port of this machine', { origin: 'http://127.0.0.1:3000' }, 'POST'],
    ['a sandboxed frame', { origin: 'null' }, 'POST'],
    ['an allowed origin over another scheme', { origin: 'http://board.example' }, 'POST'],
    ['an origin that is no address', { origin: 'x y' }, 'POST'],
    [
      'an image of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'image' },
    ],
    ['an image of another port', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'no-cors' }],
    ['a frame in another site', { ...clicked, 'sec-fetch-dest': 'iframe' }],
    ['a form of another site', clicked, 'POST'],
    ['a link of another site to what is no page', clicked, 'GET', '/api/status'],
    ['a preflight of a foreign origin', { origin: 'https://evil.example' }, 'OPTIONS'],
  ];
  it.each(REFUSED)('refuses %s', (_name, headers, method, path = '/') => {
    expect(guard.findRefusal(head(headers, method), path)).toMatch(/PLUMBLINE_ALLOWED_ORIGINS/);
  });

  it('refuses nothing at paths that watchdogs ask', () => {
    const worst = { host: 'evil.example', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' };
    for (const path of ['/ping', '/healthz']) expect(guard.findRefusal(head(worst), path)).toBeUndefined();
  });

  it('lets pages of allowed origins read the answer, and no others', () => {
    const allowed = guard.corsHeaders(head({ origin: 'https://board.example' }));
    expect(allowed).toMatchObject({
      'Access-Control-Allow-Origin': 'https://board.example',
      Vary: 'Origin',
    });
    expect(guard.corsHeaders(head({ origin: 'https://evil.example' }))).toEqual({ Vary: 'Origin' });
    expect(guardOf().corsHeaders(head({ origin: 'https://board.example' }))).toEqual({});
    const preflight = { origin: 'https://board.example', 'access-control-request-headers': 'authorization' };
    expect(guard.corsHeaders(head(preflight, 'OPTIONS'))).toMatchObject({
      'Access-Control-Allow-Headers': 'authorization',
    });
  });
});
