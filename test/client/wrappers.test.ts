/** Wrapped functions and HTTP handlers, against an SDK in memory and real HTTP servers. */
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { afterEach, describe, expect, it } from 'vitest';
import { createPlumbline } from '../../src/client/index.js';
import { waitUntil } from '../testkit/server.js';
import { createMemorySdk, type RecordedSeries } from './memory-sdk.js';

/** Every look at the clock is 250 ms later than the one before. */
function create() {
  const sdk = createMemorySdk();
  let nowMs = 0;
  const now = () => {
    nowMs += 250;
    return nowMs;
  };
  return { ...sdk, recorder: createPlumbline({ meterProvider: sdk.meterProvider, now }) };
}

describe('timed()', () => {
  it('measures a function that returns, and keeps its this, arguments and result', async () => {
    const { recorder, read } = create();
    const account = {
      balance: 5,
      add: recorder.timed('account.add', function (this: { balance: number }, amount: number) {
        return this.balance + amount;
      }),
    };
    expect(account.add(2)).toBe(7);
    expect(await read()).toEqual([
      {
        name: 'response_time',
        attributes: { endpoint: 'account.add', success: true },
        value: 0.25,
        count: 1,
      },
    ]);
  });

  it('measures a function that throws, and throws the same error on', async () => {
    const { recorder, read } = create();
    const error = new TypeError('no such account');
    const fail = recorder.timed(
      'account.find',
      () => {
        throw error;
      },
      { service: 'bank' },
    );
    expect(fail).toThrow(error);
    const attributes = {
      service: 'bank',
      endpoint: 'account.find',
      success: false,
      'error.type': 'TypeError',
    };
    expect(await read()).toEqual([{ name: 'response_time', attributes, value: 0.25, count: 1 }]);
  });

  it('measures an async function until its promise settles, either way', async () => {
    const { recorder, read } = create();
    const load = recorder.timed('load', async (fails: boolean) => {
      if (fails) throw 'a text';
      return 'loaded';
    });
    expect(await load(false)).toBe('loaded');
    await expect(load(true)).rejects.toBe('a text');
    expect(await read()).toEqual([
      { name: 'response_time', attributes: { endpoint: 'load', success: true }, value: 0.25, count: 1 },
      {
        name: 'response_time',
        attributes: { endpoint: 'load', success: false, 'error.type': '_OTHER' },
        value: 0.25,
        count: 1,
      },
    ]);
  });
});

let close = () => {};
afterEach(() => close());

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  close = () => {
    server.closeAllConnections();
    server.close();
  };
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const byName = (series: RecordedSeries[], name: string) => series.filter((one) => one.name === name);

describe('instrumentHandler() of a Node handler', () => {
  it('records each request once, with route, method and status; 5xx are errors', async () => {
    const { recorder, read } = create();
    const url = await listen(
      recorder.instrumentHandler(
        (request) => (request.url!.startsWith('/orders/') ? '/orders/:id' : '/'),
        (request: IncomingMessage, response: ServerResponse) => {
          response.statusCode = request.url === '/orders/9' ? 503 : request.url === '/orders/8' ? 404 : 200;
          response.end('done');
        },
      ),
    );
    for (const path of ['/', '/orders/7', '/orders/8', '/orders/9']) await (await fetch(url + path)).text();
    const series = await waitUntil(read, (all) => byName(all, 'error_rate').length > 0, 5_000);
    const of = (route: string, status: number) => ({
      endpoint: route,
      'http.route': route,
      'http.request.method': 'GET',
      'http.response.status_code': status,
    });
    expect(byName(series, 'response_time')).toEqual([
      { name: 'response_time', attributes: { ...of('/', 200), success: true }, value: 0.25, count: 1 },
      {
        name: 'response_time',
        attributes: { ...of('/orders/:id', 200), success: true },
        value: 0.25,
        count: 1,
      },
      {
        name: 'response_time',
        attributes: { ...of('/orders/:id', 404), success: true },
        value: 0.25,
        count: 1,
      },
      {
        name: 'response_time',
        attributes: { ...of('/orders/:id', 503), 'error.type': '503', success: false },
        value: 0.25,
        count: 1,
      },
    ]);
    expect(byName(series, 'throughput').map(({ value }) => value)).toEqual([1, 1, 1, 1]);
    expect(byName(series, 'error_rate')).toEqual([
      {
        name: 'error_rate',
        attributes: { ...of('/orders/:id', 503), 'error.type': '503', error_type: '503' },
        value: 1,
      },
    ]);
  });

  it('records a request that its client gave up before any answer as aborted', async () => {
    const { recorder, read } = create();
    const controller = new AbortController();
    const handler: RequestListener = () => controller.abort();
    const url = await listen(recorder.instrumentHandler('/slow', handler));
    await expect(fetch(url, { signal: controller.signal })).rejects.toThrow();
    const series = await waitUntil(read, (all) => all.length === 3, 5_000);
    expect(byName(series, 'error_rate')[0]!.attributes).toEqual({
      endpoint: '/slow',
      'http.route': '/slow',
      'http.request.method': 'GET',
      'error.type': 'aborted',
      error_type: 'aborted',
    });
  });

  it('records a handler that rejects once, and leaves its error to the caller', async () => {
    const { recorder, read } = create();
    let rejected: unknown;
    const handler = recorder.instrumentHandler('/broken', async () => {
      throw new RangeError('broken');
    }) as (...args: Parameters<RequestListener>) => Promise<void>;
    const url = await listen((request, response) => {
      handler(request, response).catch((error) => {
        rejected = error;
        response.writeHead(500).end();
      });
    });
    expect((await fetch(url)).status).toBe(500);
    expect(rejected).toBeInstanceOf(RangeError);
    const series = await read();
    expect(byName(series, 'throughput').map(({ value }) => value)).toEqual([1]);
    expect(byName(series, 'error_rate')[0]!.attributes.error_type).toBe('RangeError');
  });
});

describe('instrumentHandler() of a handler that gives a Response', () => {
  it('measures fetch handlers, and counts unknown methods as one', async () => {
    const { recorder, read } = create();
    const app = new Hono().get('/orders/:id', (c) => c.text('here'));
    const handle = recorder.instrumentHandler(
      (request) => new URL(request.url).pathname.replace(/\d+/g, ':id'),
      async (request: Request) => app.fetch(request),
    );
    expect((await handle(new Request('http://shop.example/orders/7'))).status).toBe(200);
    expect((await handle(new Request('http://shop.example/nowhere', { method: 'BREW' }))).status).toBe(404);
    expect(byName(await read(), 'throughput').map(({ attributes }) => attributes)).toEqual([
      {
        endpoint: '/orders/:id',
        'http.route': '/orders/:id',
        'http.request.method': 'GET',
        'http.response.status_code': 200,
      },
      {
        endpoint: '/nowhere',
        'http.route': '/nowhere',
        'http.request.method': '_OTHER',
        'http.response.status_code': 404,
      },
    ]);
  });

  it('measures handlers of hono in their place, over a socket', async () => {
    const { recorder, read } = create();
    const app = new Hono()
      .post(
        '/orders/:id',
        recorder.instrumentHandler('/orders/:id', (c) => c.json({ id: c.req.param('id') }, 201)),
      )
      .get(
        '/broken',
        recorder.instrumentHandler('/broken', () => {
          throw new RangeError('broken');
        }),
      );
    app.onError((_, c) => c.text('sorry', 500));
    const url = await listen(getRequestListener(app.fetch, { overrideGlobalObjects: false }));
    expect(await (await fetch(`${url}/orders/7`, { method: 'POST' })).json()).toEqual({ id: '7' });
    expect((await fetch(`${url}/broken`)).status).toBe(500);
    const series = await read();
    expect(byName(series, 'response_time').map(({ attributes }) => attributes)).toEqual([
      {
        endpoint: '/orders/:id',
        'http.route': '/orders/:id',
        'http.request.method': 'POST',
        'http.response.status_code': 201,
        success: true,
      },
      {
        endpoint: '/broken',
        'http.route': '/broken',
        'http.request.method': 'GET',
        'error.type': 'RangeError',
        success: false,
      },
    ]);
    expect(byName(series, 'error_rate').map(({ value }) => value)).toEqual([1]);
  });

  it('reports an endpoint that cannot be found, and answers all the same', async () => {
    const { meterProvider, read } = createMemorySdk();
    const reported: string[] = [];
    const recorder = createPlumbline({ meterProvider, onInvalid: ({ message }) => reported.push(message) });
    const handle = recorder.instrumentHandler(
      () => {
        throw new Error('no route');
      },
      () => new Response('ok'),
    ) as (request: Request) => Response;
    expect(handle(new Request('http://shop.example/')).status).toBe(200);
    expect([reported, await read()]).toEqual([['instrumentHandler: no route; nothing was recorded'], []]);
  });
});
