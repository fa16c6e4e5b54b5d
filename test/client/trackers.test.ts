/** Trackers against an SDK in memory: arguments, attributes, times, and which SDK is recorded on. */
import { DiagLogLevel, diag, metrics } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { createPlumbline, type Recorder, trackImpact, trackTask } from '../../src/client/index.js';
import { createMemorySdk } from './memory-sdk.js';

/** A recorder that throws what it would report. */
function createStrict(now?: () => number) {
  const sdk = createMemorySdk();
  const recorder = createPlumbline({
    meterProvider: sdk.meterProvider,
    onInvalid: (error) => {
      throw error;
    },
    ...(now === undefined ? {} : { now }),
  });
  return { ...sdk, recorder };
}

describe('arguments that are not right', () => {
  const wrong: [string, (recorder: Recorder) => void, new () => Error, RegExp][] = [
    [
      'a rating of 6',
      (r) => r.trackSatisfaction('/', 6),
      RangeError,
      /rating must be a finite number from 1 to 5, was 6/,
    ],
    ['a rating of 0', (r) => r.trackSatisfaction('/', 0), RangeError, /trackSatisfaction: rating/],
    [
      'a rating in words',
      (r) => r.trackSatisfaction('/', 'good' as never),
      TypeError,
      /rating must be a number, was "good"/,
    ],
    ['a rating of NaN', (r) => r.trackSatisfaction('/', Number.NaN), RangeError, /was NaN/],
    ['a score of 5.1', (r) => r.trackImpact('search', 5.1), RangeError, /score/],
    [
      'no endpoint',
      (r) => r.trackResponseTime('', 0),
      TypeError,
      /endpoint must be a text that is not empty/,
    ],
    [
      'Date.now() as start',
      (r) => r.trackResponseTime('/', 1.7e12),
      RangeError,
      /later than now .*not Date\.now/,
    ],
    [
      'no start',
      (r) => r.trackResponseTime('/', undefined as never),
      TypeError,
      /startTime must be a number/,
    ],
    ['a negative duration', (r) => r.trackResponseTime('/', { durationMs: -1 }), RangeError, /durationMs/],
    [
      'success in words',
      (r) => r.trackResponseTime('/', 0, 'yes' as never),
      TypeError,
      /true or false, was "yes"/,
    ],
    ['an error without a type', (r) => r.trackError('/', undefined as never), TypeError, /errorType/],
    [
      'half a request',
      (r) => r.trackThroughput('shop', 0.5),
      RangeError,
      /requestCount must be a whole number/,
    ],
    ['requests taken back', (r) => r.trackThroughput('shop', -1), RangeError, /requestCount/],
    [
      'an endless interaction',
      (r) => r.trackUserInteraction('/', 'click', Infinity),
      RangeError,
      /durationMs/,
    ],
    ['half a click', (r) => r.trackNavigation('/', 1.5, true), RangeError, /clickCount/],
    ['a task that is perhaps done', (r) => r.trackTask('order', undefined as never), TypeError, /completed/],
    [
      'a process that took no time',
      (r) => r.trackProcess('invoices', 5, 0),
      RangeError,
      /actualTime must be more than 0/,
    ],
    [
      'more automated tasks than tasks',
      (r) => r.trackAutomation('desk', 3, 2),
      RangeError,
      /automatedTasks .*from 0 to 2/,
    ],
    [
      'more active users than users',
      (r) => r.trackAdoption('search', 3, 2),
      RangeError,
      /activeUsers .*from 0 to 2/,
    ],
    ['cost of nothing in particular', (r) => r.trackCost({}, 5), TypeError, /a service or a feature/],
    ['a negative cost', (r) => r.trackCost({ service: 'shop' }, -5), RangeError, /amountUsd/],
    [
      'savings that are not a number',
      (r) => r.trackBusinessValue('search', 1, '5' as never),
      TypeError,
      /costSavingsUsd/,
    ],
    [
      'a page that is no address',
      (r) => r.trackSatisfaction('http://', 3),
      TypeError,
      /pageUrl must be an address or a path/,
    ],
  ];

  it.each(wrong)('%s: an error that says why, and nothing recorded', async (_, call, kind, message) => {
    const { recorder, read } = createStrict();
    expect(() => call(recorder)).toThrow(kind);
    expect(() => call(recorder)).toThrow(message);
    expect(() => call(recorder)).toThrow(/nothing was recorded$/);
    expect(await read()).toEqual([]);
  });

  it('go to diag and not to the caller unless onInvalid is given', async () => {
    const reported: string[] = [];
    const ignore = () => {};
    const logger = {
      error: (text: string) => reported.push(text),
      warn: ignore,
      info: ignore,
      debug: ignore,
      verbose: ignore,
    };
    diag.setLogger(logger, { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true });
    const { meterProvider, readValues } = createMemorySdk();
    const recorder = createPlumbline({ meterProvider });
    recorder.trackSatisfaction('/', 7);
    expect(await recorder.trackPageLoad()).toBeUndefined();
    recorder.trackSatisfaction('/', 4.5);
    diag.disable();
    expect(reported).toEqual([
      'plumbline: trackSatisfaction: rating must be a finite number from 1 to 5, was 7; nothing was recorded',
      'plumbline: trackPageLoad: there is no page outside a browser; nothing was recorded',
    ]);
    expect(await readValues()).toEqual([['user_satisfaction', 4.5]]);
  });

  it('include what an own normalisePageUrl throws', () => {
    const reported: Error[] = [];
    const recorder = createPlumbline({
      normalisePageUrl: () => {
        throw new Error('no such page');
      },
      onInvalid: (error) => reported.push(error),
    });
    recorder.trackSatisfaction('/', 4);
    expect(reported.map(({ message }) => message)).toEqual([
      'trackSatisfaction: no such page; nothing was recorded',
    ]);
  });
});

describe('values', () => {
  it('of durations are seconds, from a start of performance.now() or as they are', async () => {
    const { recorder, read } = createStrict(() => 1_182);
    recorder.trackResponseTime('GET /orders', 1_000);
    recorder.trackResponseTime('GET /carts', { durationMs: 250 }, false);
    recorder.trackUserInteraction('/', 'click', 80);
    expect(await read()).toEqual([
      {
        name: 'response_time',
        attributes: { endpoint: 'GET /orders', success: true },
        value: 0.182,
        count: 1,
      },
      {
        name: 'response_time',
        attributes: { endpoint: 'GET /carts', success: false },
        value: 0.25,
        count: 1,
      },
      {
        name: 'user_interaction',
        attributes: { page_url: '/', interaction_type: 'click' },
        value: 0.08,
        count: 1,
      },
    ]);
  });

  it('of pages have the path of the page, however its address is given', async () => {
    const { recorder, read } = createStrict();
    for (const url of [
      'https://shop.example/cart?item=7#top',
      '/cart?item=8',
      '/cart#pay',
      '//shop.example/cart',
    ]) {
      recorder.trackSatisfaction(url, 4);
    }
    recorder.trackSatisfaction('https://shop.example', 5);
    recorder.trackSatisfaction('?item=9', 5);
    expect(await read()).toEqual([
      { name: 'user_satisfaction', attributes: { page_url: '/cart' }, value: 16, count: 4 },
      { name: 'user_satisfaction', attributes: { page_url: '/' }, value: 10, count: 2 },
    ]);
  });

  it('of pages with identifiers go through normalisePageUrl, whose result is reduced to its path too', async () => {
    const { meterProvider, read } = createMemorySdk();
    const normalisePageUrl = (url: string) => url.replace('/#/', '/').replace(/\d+/g, ':id');
    const recorder = createPlumbline({ meterProvider, normalisePageUrl });
    recorder.trackSatisfaction('/orders/17?from=mail', 3);
    recorder.trackSatisfaction('/#/orders/18', 3);
    expect((await read()).map(({ attributes }) => attributes)).toEqual([{ page_url: '/orders/:id' }]);
  });

  it('of an Error have its class as error type, never its message', async () => {
    const { recorder, read } = createStrict();
    recorder.trackError('GET /orders', new RangeError('order 17 of anna@example.org'));
    const attributes = { endpoint: 'GET /orders', error_type: 'RangeError', 'error.type': 'RangeError' };
    expect(await read()).toEqual([{ name: 'error_rate', attributes, value: 1 }]);
  });

  it('have the attributes of recorder and call, and an argument wins over an attribute of its name', async () => {
    const { meterProvider, read } = createMemorySdk();
    const recorder = createPlumbline({ meterProvider, attributes: { region: 'eu', tier: 'free' } });
    recorder.with({ tier: 'paid' }).trackTask('order', true, { task: 'ignored', device: 'phone' });
    const attributes = { region: 'eu', tier: 'paid', device: 'phone', task: 'order', completed: true };
    expect(await read()).toEqual([{ name: 'task_completion', attributes, value: 1 }]);
  });
});

describe('the functions of the module', () => {
  afterEach(() => metrics.disable());

  it('do nothing without an SDK, and record on one that is registered after the first call', async () => {
    trackTask('too early', true);
    const first = createMemorySdk();
    metrics.setGlobalMeterProvider(first.meterProvider);
    trackTask('order', true);
    trackImpact('search', 4.5);
    metrics.disable();
    const second = createMemorySdk();
    metrics.setGlobalMeterProvider(second.meterProvider);
    trackTask('order', false);
    expect(await first.readValues()).toEqual([
      ['task_completion', 1],
      ['impact_score', 4.5],
    ]);
    expect(await second.read()).toEqual([
      { name: 'task_completion', attributes: { task: 'order', completed: false }, value: 1 },
    ]);
  });

  it('record on the meter that a recorder was given, not on the global one', async () => {
    const global = createMemorySdk();
    metrics.setGlobalMeterProvider(global.meterProvider);
    const own = createMemorySdk();
    createPlumbline({ meter: own.meterProvider.getMeter('checkout') }).trackImpact('search', 3);
    expect(await global.readValues()).toEqual([]);
    expect(await own.readValues()).toEqual([['impact_score', 3]]);
  });
});
