/**
 * Found by fuzzing: after a frame that breaks HTTP/2, Node says goodbye and then neither reads nor closes the socket,
 * even when the client is long gone. Every such client left a socket behind.
 */
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { createGrpcReceiver } from '../../src/receive/grpc-receiver.js';
import { type Fixture, startReceiver } from '../testkit/receiver-fixture.js';

let receiver: Fixture;
afterEach(() => receiver?.close());

it('lets go of a connection that was broken by a frame, as soon as a ping is not answered', async () => {
  receiver = await startReceiver((options) =>
    createGrpcReceiver({ ...options, pings: { afterMs: 50, answerMs: 50 } }),
  );
  const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  const tooLarge = Buffer.from('000000040000000000b0448600000000000100', 'hex');
  const socket = connect(receiver.port, '127.0.0.1');
  const said: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => said.push(chunk));
  socket.write(Buffer.concat([preface, tooLarge]));
  await new Promise((done) => socket.once('close', done));
  expect(Buffer.concat(said).toString('latin1')).toContain('too large frame size');
});
