/** The gRPC rows of the OTLP checklist, with a real grpc-js client. */
import { Client, type ClientOptions, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { afterEach, describe, expect, it } from 'vitest';
import { PermanentError, RetryableError } from '../../src/model/errors.js';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { type Fixture, readResponse, readStatus, startReceiver } from '../testkit/receiver-fixture.js';

const EXPORT = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const BYTES_MAX = 64 * 1024;
const GZIP = { 'grpc.default_compression_algorithm': 2 };

let fixture: Fixture;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await fixture?.close();
});

async function start(...args: [Parameters<typeof startReceiver>[1]?, number?]): Promise<void> {
  const [exportMetrics, requestBytesMax = BYTES_MAX] = args;
  fixture = await startReceiver(createGrpcReceiver, exportMetrics, { requestBytesMax });
}

function call(bytes: Buffer, options: ClientOptions = {}, path = EXPORT): Promise<Buffer> {
  const client = new Client(`127.0.0.1:${fixture.port}`, credentials.createInsecure(), options);
  clients.push(client);
  const asIs = (value: Buffer) => value;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(path, asIs, asIs, bytes, new Metadata(), {}, (error, answer) =>
      error ? reject(error) : resolve(answer!),
    );
  });
}

async function failure(promise: Promise<unknown>): Promise<ServiceError> {
  const error = await promise.then(
    () => undefined,
    (reason: ServiceError) => reason,
  );
  expect(error).toBeDefined();
  return error!;
}

const statusOf = (error: ServiceError) => {
  const [details] = error.metadata.get('grpc-status-details-bin');
  return details === undefined ? undefined : readStatus(details as Buffer);
};

const someBytes = Buffer.from([1, 2, 3]);

describe('the gRPC receiver', () => {
  it('answers a full success with an empty response', async () => {
    await start();
    expect(await call(someBytes)).toHaveLength(0);
    expect(fixture.received).toEqual([{ bytes: someBytes, encoding: 'protobuf' }]);
  });

  it('answers a partial success with the count and what was wrong', async () => {
    const rejections = [{ reason: 'time_zero' as const, metricName: 'cpu', count: 7, detail: 'time is 0' }];
    await start(async () => ({ accepted: 1, rejected: 7, rejections }));
    expect(readResponse(await call(someBytes))).toMatchObject({
      partialSuccess: { rejectedDataPoints: '7', errorMessage: expect.stringContaining('"cpu"') },
    });
  });

  it('decompresses gzip', async () => {
    await start();
    const plain = Buffer.alloc(10_000, 'abc');
    await call(plain, GZIP);
    expect(fixture.received[0]!.bytes).toEqual(plain);
  });

  it('answers bad data with INVALID_ARGUMENT and BadRequest', async () => {
    await start(async () => {
      throw new PermanentError('malformed', 'field 3 is cut short');
    });
    const error = await failure(call(someBytes));
    expect([error.code, error.details]).toEqual([3, 'field 3 is cut short']);
    expect(statusOf(error)!.details.BadRequest).toBeDefined();
  });

  it('answers no room with UNAVAILABLE and RetryInfo', async () => {
    await start(async () => {
      throw new RetryableError('the spool is full', 5_000);
    });
    const error = await failure(call(someBytes));
    expect(error.code).toBe(14);
    expect(statusOf(error)).toMatchObject({
      code: 14,
      message: 'the spool is full',
      details: { RetryInfo: { retryDelay: { seconds: '5' } } },
    });
  });

  it('answers an unexpected error with INTERNAL and keeps its text from the sender', async () => {
    await start(async () => {
      throw new TypeError('secret inner text');
    });
    const error = await failure(call(someBytes));
    expect(error.code).toBe(13);
    expect(error.details).not.toContain('secret');
    expect(fixture.errors).toHaveLength(1);
  });

  it('takes a message of exactly the limit', async () => {
    await start();
    await call(Buffer.alloc(BYTES_MAX));
    expect(fixture.received[0]!.bytes).toHaveLength(BYTES_MAX);
  });

  it('takes messages above the 4 MiB that grpc-js allows by default', async () => {
    await start(undefined, 16 * 1024 * 1024);
    await call(Buffer.alloc(10 * 1024 * 1024));
    expect(fixture.received[0]!.bytes).toHaveLength(10 * 1024 * 1024);
  });

  it('answers a message above the limit with RESOURCE_EXHAUSTED without RetryInfo', async () => {
    await start();
    const error = await failure(call(Buffer.alloc(BYTES_MAX + 1)));
    expect(error.code).toBe(8);
    expect(statusOf(error)?.details.RetryInfo).toBeUndefined();
    expect(fixture.received).toHaveLength(0);
  });

  it('answers a small message that expands beyond the limit with RESOURCE_EXHAUSTED', async () => {
    await start();
    const error = await failure(call(Buffer.alloc(50 * 1024 * 1024), GZIP));
    expect(error.code).toBe(8);
    expect(fixture.received).toHaveLength(0);
  });

  it('answers another method or service with UNIMPLEMENTED', async () => {
    await start();
    const traces = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
    expect((await failure(call(someBytes, {}, traces))).code).toBe(12);
  });

  it('finishes a call under way when shut down', async () => {
    let finish = () => {};
    let onStarted = () => {};
    const started = new Promise<void>((done) => {
      onStarted = done;
    });
    await start(async () => {
      onStarted();
      await new Promise<void>((done) => {
        finish = done;
      });
      return { accepted: 1, rejected: 0, rejections: [] };
    });
    const sent = call(someBytes);
    await started;
    const closed = fixture.close();
    finish();
    expect(await sent).toHaveLength(0);
    await closed;
  });

  it('says EADDRINUSE when its port is taken', async () => {
    await start();
    const second = startReceiver((options) => createGrpcReceiver({ ...options, port: fixture.port }));
    await expect(second).rejects.toMatchObject({ code: 'EADDRINUSE' });
  });
});
