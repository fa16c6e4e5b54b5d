/** Batched, event-based and context-carrying collection, against an SDK in memory. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { EventEmitter } from 'node:events';
import { setTimeout as pauseMs } from 'node:timers/promises';
import { type Context, type ContextManager, context, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterEach, describe, expect, it } from 'vitest';
import { createPlumbline, onEvent, when, withContext } from '../../src/client/index.js';
import { createMemorySdk } from './memory-sdk.js';

function create() {
  const sdk = createMemorySdk();
  return { ...sdk, recorder: createPlumbline({ meterProvider: sdk.meterProvider }) };
}

describe('a batch', () => {
  it('records nothing until it is flushed, and then everything, with the attributes values came with', async () => {
    const { recorder, read } = create();
    const batch = recorder.with({ job: 'nightly' }).createBatch();
    batch.trackAutomation('desk', 3, 4);
    batch.with({ step: 'a' }).trackResponseTime('import', { durationMs: 100 });
    batch.trackAutomation('desk', 1, 1);
    expect([batch.size, await read()]).toEqual([5, []]);
    batch.flush();
    batch.flush();
    const attributes = { job: 'nightly', service: 'desk' };
    expect(batch.size).toBe(0);
    expect(await read()).toEqual([
      { name: 'automated_tasks', attributes, value: 4 },
      { name: 'total_tasks', attributes, value: 5 },
      {
        name: 'response_time',
        attributes: { job: 'nightly', step: 'a', endpoint: 'import', success: true },
        value: 0.1,
        count: 1,
      },
    ]);
  });

  it('can be discarded: what was done and undone is never recorded', async () => {
    const { recorder, readValues } = create();
    const batch = recorder.createBatch();
    batch.trackBusinessValue('search', 10, 99);
    batch.discard();
    batch.trackBusinessValue('search', 1, 2);
    batch.flush();
    expect(await readValues()).toEqual([
      ['feature_usage', 1],
      ['business_value', 2],
    ]);
  });

  it('flushes by itself when it is full and at its interval, until it is stopped', async () => {
    const { recorder, readValues } = create();
    const full = recorder.createBatch({ valuesMax: 3 });
    for (let i = 0; i < 4; i++) full.trackTask('order', true);
    expect([full.size, await readValues()]).toEqual([1, [['task_completion', 3]]]);
    const timed = recorder.createBatch({ intervalMs: 5 });
    timed.trackTask('order', true);
    while (timed.size > 0) await pauseMs(1);
    timed.trackTask('order', true);
    timed.stop();
    expect(await readValues()).toEqual([['task_completion', 5]]);
  });
});

describe('conditions and events', () => {
  it('when(): records if the condition holds for the arguments of the call', async () => {
    const { recorder, read } = create();
    const trackFailure = when((_endpoint, _timing, success) => success === false, recorder.trackResponseTime);
    trackFailure('GET /a', { durationMs: 10 }, true);
    trackFailure('GET /b', { durationMs: 20 }, false);
    when(false, recorder.trackTask)('order', true);
    const broken = when(() => {
      throw new Error('broken');
    }, recorder.trackTask);
    broken('order', true);
    expect(await read()).toEqual([
      { name: 'response_time', attributes: { endpoint: 'GET /b', success: false }, value: 0.02, count: 1 },
    ]);
  });

  it('onEvent(): records at each event of an emitter or an event target, until it is ended', async () => {
    const { recorder, readValues } = create();
    const queue = new EventEmitter();
    const target = new EventTarget();
    const endQueue = onEvent(queue, 'done', (name: string, worked: boolean) =>
      recorder.trackTask(name, worked),
    );
    const endTarget = onEvent(target, 'bought', () => recorder.trackBusinessValue('search', 1, 5));
    onEvent(queue, 'done', () => {
      throw new Error('a tracker of the app that throws');
    });
    queue.emit('done', 'order', true);
    target.dispatchEvent(new Event('bought'));
    endQueue();
    endTarget();
    queue.emit('done', 'order', true);
    target.dispatchEvent(new Event('bought'));
    expect(await readValues()).toEqual([
      ['task_completion', 1],
      ['feature_usage', 1],
      ['business_value', 5],
    ]);
  });
});

describe('withContext()', () => {
  afterEach(() => context.disable());

  async function recordInContexts() {
    const { recorder, read } = create();
    const work = async (name: string) => {
      await pauseMs(1);
      recorder.trackTask(name, true);
    };
    const results = await Promise.all([
      withContext({ tenant: 'a' }, () => work('one').then(() => 1)),
      withContext({ tenant: 'b', tier: 'free' }, () =>
        withContext({ tier: 'paid' }, async (inner) => {
          await work('two');
          inner.trackTask('module', true);
          recorder.with({ tenant: 'c' }).trackTask('three', true);
        }),
      ),
    ]);
    recorder.trackTask('outside', true);
    expect(results).toEqual([1, undefined]);
    return (await read())
      .map(({ attributes: { completed, ...rest } }) => rest)
      .sort((a, b) => (`${a.task}` < `${b.task}` ? -1 : 1));
  }

  const expected = [
    { task: 'one', tenant: 'a' },
    { task: 'outside' },
    // The nearest wins: the context is nearer than the recorder.
    { task: 'three', tenant: 'b', tier: 'paid' },
    { task: 'two', tenant: 'b', tier: 'paid' },
  ];

  it('attributes follow the work across awaits, each to its own, without a context manager', async () => {
    expect(await recordInContexts()).toEqual(expected);
  });

  it('and with the context manager of the app', async () => {
    context.setGlobalContextManager(createContextManager());
    expect(await recordInContexts()).toEqual(expected);
  });

  it('gives the function a recorder with the attributes, and its result or error back', async () => {
    const { recorder, read } = create();
    const result = recorder.withContext({ tenant: 'a' }, (inner) => {
      inner.trackTask('order', true, { tenant: 'b' });
      return 7;
    });
    expect(result).toBe(7);
    expect(() =>
      recorder.withContext({}, () => {
        throw new Error('of the app');
      }),
    ).toThrow('of the app');
    expect((await read())[0]!.attributes).toEqual({ tenant: 'b', task: 'order', completed: true });
  });
});

function createContextManager(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (value, run, thisArg, ...args) => storage.run(value, () => run.apply(thisArg as never, args)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}
