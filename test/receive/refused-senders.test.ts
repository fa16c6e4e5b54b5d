/** Senders without a token, and with one that is not accepted: what they hear, and what an operator sees of them. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createBearerCheck } from '../../src/receive/bearer-tokens.js';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { RefusedSenders } from '../../src/receive/refused-senders.js';
import { statusOf } from '../testkit/http-sender.js';
import { createHttpPort, type Fixture, startReceiver } from '../testkit/receiver-fixture.js';
import { sendGrpc, sendHttp } from '../testkit/secured-senders.js';

const NOTHING = Buffer.alloc(0);
const authorize = createBearerCheck({ current: () => ['right'], onChange: () => {} });
const bearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } });

let nowUnixMs: number;
let logged: string[];
let refusedSenders: RefusedSenders;
let http: Fixture;
let grpc: Fixture;
beforeEach(async () => {
  nowUnixMs = 1_000_000;
  logged = [];
  refusedSenders = new RefusedSenders({
    warn: (message) => logged.push(message),
    nowUnixMs: () => nowUnixMs,
  });
  http = await startReceiver(createHttpPort, undefined, {}, { authorize, refusedSenders });
  grpc = await startReceiver(createGrpcReceiver, undefined, {}, { authorize, refusedSenders });
});
afterEach(() => Promise.all([http.close(), grpc.close()]));

const overHttp = (shown = {}) => sendHttp(`127.0.0.1:${http.port}`, NOTHING, shown);
const overGrpc = (shown = {}) => sendGrpc(`127.0.0.1:${grpc.port}`, NOTHING, shown);

describe('a refused sender', () => {
  it('hears that a token is needed where it shows none', async () => {
    const answer = await overHttp();
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([401, 'Bearer realm="plumbline"']);
    expect(statusOf(answer).message).toContain('a bearer token is needed');
    expect(await overGrpc()).toMatchObject({ code: 16, details: expect.stringContaining('is needed') });
  });

  it('hears that its token is not accepted where it shows another one', async () => {
    const answer = await overHttp(bearer('old-secret'));
    expect([answer.status, answer.headers['www-authenticate']]).toEqual([
      401,
      'Bearer realm="plumbline", error="invalid_token"',
    ]);
    expect(statusOf(answer).message).toContain('this token is not accepted');
    expect(statusOf(answer).message).not.toContain('old-secret');
    expect(await overGrpc(bearer('old-secret'))).toMatchObject({
      code: 16,
      details: expect.stringContaining('this token is not accepted'),
    });
  });

  it('is counted, and is logged at once with its address and without its token', async () => {
    await overHttp(bearer('old-secret'));
    await overGrpc();
    expect(refusedSenders.count).toBe(2);
    expect(logged).toEqual([
      expect.stringMatching(/a token that is not accepted; the last one came from 127\.0\.0\.1 over HTTP/),
      expect.stringMatching(/no bearer token; the last one came from .*127\.0\.0\.1:\d+ over gRPC/),
    ]);
    expect(logged.join()).not.toContain('old-secret');
  });

  it('that goes on is logged once a minute, with the number of requests since', async () => {
    for (let i = 0; i < 10; i++) await overHttp(bearer('old-secret'));
    expect(logged).toHaveLength(1);
    nowUnixMs += 60_000;
    await overHttp(bearer('old-secret'));
    expect(logged).toHaveLength(2);
    expect(logged[1]).toMatch(/^10 requests were refused/);
    expect(refusedSenders.count).toBe(11);
  });

  it('with a token that is accepted is neither counted nor logged', async () => {
    expect((await overHttp(bearer('right'))).status).toBe(200);
    expect(await overGrpc(bearer('right'))).toBe('OK');
    expect([refusedSenders.count, logged]).toEqual([0, []]);
  });
});
