/** grpc.health.v1 on the OTLP port, asked by a real grpc-js client; messages are read by the public definition. */
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import { afterEach, describe, expect, it } from 'vitest';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { type Fixture, startReceiver } from '../testkit/receiver-fixture.js';

const { root } = protobuf.parse(`
  syntax = "proto3";
  package grpc.health.v1;
  message HealthCheckRequest { string service = 1; }
  message HealthCheckResponse {
    enum ServingStatus { UNKNOWN = 0; SERVING = 1; NOT_SERVING = 2; SERVICE_UNKNOWN = 3; }
    ServingStatus status = 1;
  }
`);
const Request = root.lookupType('grpc.health.v1.HealthCheckRequest');
const Response = root.lookupType('grpc.health.v1.HealthCheckResponse');
const serialize = (service: string) => Buffer.from(Request.encode(Request.create({ service })).finish());
const deserialize = (bytes: Buffer) =>
  (Response.toObject(Response.decode(bytes), { enums: String, defaults: true }) as { status: string }).status;
const asIs = (bytes: Buffer) => bytes;

const METRICS = 'opentelemetry.proto.collector.metrics.v1.MetricsService';
const CHECK = '/grpc.health.v1.Health/Check';

let fixture: Fixture;
let client: Client;
afterEach(async () => {
  client?.close();
  await fixture?.close();
});

async function start(authorize?: Parameters<typeof startReceiver>[3]): Promise<void> {
  fixture = await startReceiver(createGrpcReceiver, undefined, {}, authorize);
  client = new Client(`127.0.0.1:${fixture.port}`, credentials.createInsecure());
}

const check = (service: string) =>
  new Promise<string>((done, fail) => {
    client.makeUnaryRequest(CHECK, serialize, deserialize, service, (error, status) =>
      error ? fail(error) : done(status!),
    );
  });

const watch = (service: string) =>
  client.makeServerStreamRequest(
    '/grpc.health.v1.Health/Watch',
    serialize,
    deserialize,
    service,
    new Metadata(),
  );

describe('gRPC health checking', () => {
  it.each(['', METRICS])('Check of service "%s" says SERVING', async (service) => {
    await start();
    expect(await check(service)).toBe('SERVING');
  });

  it('Check of a service that does not exist is NOT_FOUND', async () => {
    await start();
    await expect(check('opentelemetry.proto.collector.trace.v1.TraceService')).rejects.toMatchObject({
      code: 5,
    });
  });

  it('Check of bytes that are no request is INVALID_ARGUMENT', async () => {
    await start();
    const sent = new Promise((done, fail) => {
      client.makeUnaryRequest(CHECK, asIs, asIs, Buffer.from([0x0a, 0x05, 0x61]), (error, answer) =>
        error ? fail(error) : done(answer),
      );
    });
    await expect(sent).rejects.toMatchObject({ code: 3 });
  });

  it('Watch says SERVING, and NOT_SERVING when the port shuts down', async () => {
    await start();
    const call = watch(METRICS);
    const statuses: string[] = [];
    const ended = new Promise<void>((done, fail) => call.once('end', done).once('error', fail));
    await new Promise<void>((done) => {
      call.on('data', (status: string) => {
        statuses.push(status);
        done();
      });
    });
    expect(statuses).toEqual(['SERVING']);
    await Promise.all([fixture.close(), ended]);
    expect(statuses).toEqual(['SERVING', 'NOT_SERVING']);
  });

  it('Watch of a service that does not exist says SERVICE_UNKNOWN and stays open until it is cancelled', async () => {
    await start();
    const call = watch('other');
    const error = new Promise<ServiceError>((done) => call.once('error', done));
    expect(await new Promise((done) => call.once('data', done))).toBe('SERVICE_UNKNOWN');
    call.cancel();
    expect((await error).code).toBe(1);
  });

  it('is answered without a token where senders must show one', async () => {
    await start({ authorize: () => 'token_missing' });
    expect(await check('')).toBe('SERVING');
    const sent = new Promise((done, fail) => {
      client.makeUnaryRequest(`/${METRICS}/Export`, asIs, asIs, Buffer.alloc(0), (error, answer) =>
        error ? fail(error) : done(answer),
      );
    });
    await expect(sent).rejects.toMatchObject({ code: 16 });
  });
});
