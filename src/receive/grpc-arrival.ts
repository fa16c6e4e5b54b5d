/**
 * How a gRPC message arrives, before it is handed on whole. Enters: the frames of a call; leaves: the same bounds as
 * over HTTP: bytes in flight (on the wire and decompressed), time to arrive, size, and damaged compression as
 * INVALID_ARGUMENT. grpc-js has no public place for these, so this reaches into the call that it gives to interceptors;
 * the library is pinned and the first call of a start fails loudly where it changed.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { ArrivalTimer } from './arrival-timer.js';
import { type Coding, decompress } from './decompress.js';
import { describeGrpcStatus } from './grpc-status.js';
import type { InflightBytes } from './inflight-bytes.js';
import type { BodyLimits } from './read-body.js';

/** What is used of grpc-js's BaseServerInterceptingCall. */
interface ArrivingCall extends ServerInterceptingCallInterface {
  stream: ServerHttp2Stream;
  /** Enters: a message with its five bytes of framing, and `identity` where it is not compressed. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

/** Codings that are decompressed here; what grpc-js does not know either it answers with UNIMPLEMENTED. */
const CODINGS: Readonly<Record<string, Coding>> = { gzip: 'gzip', deflate: 'deflate' };
const FRAMING_BYTES = 5;

export function createArrivalInterceptor(limits: BodyLimits, inflight: InflightBytes): ServerInterceptor {
  return (_method, intercepted) => {
    const call = intercepted as ArrivingCall;
    if (call.stream === undefined || call.decompressMessage === undefined) {
      throw new Error('this version of @grpc/grpc-js keeps its calls in another way');
    }
    watchArrival(call, limits, inflight);
    return intercepted as ReturnType<ServerInterceptor>;
  };
}

function watchArrival(call: ArrivingCall, limits: BodyLimits, inflight: InflightBytes): void {
  const { stream } = call;
  const share = inflight.open();
  const timer = new ArrivalTimer(limits, refuse);
  function refuse(error: Error): void {
    timer.stop();
    call.sendStatus(describeGrpcStatus(error));
    // What still comes is not wanted.
    stream.close();
  }
  stream.on('data', (chunk: Buffer) => {
    timer.touch();
    try {
      share.add(chunk.length);
    } catch (error) {
      refuse(error as Error);
    }
  });
  stream.once('end', () => timer.stop());
  stream.once('close', () => {
    timer.stop();
    share.release();
  });
  const decompressAsGrpcJs = call.decompressMessage;
  call.decompressMessage = (message, encoding) => {
    const coding = Object.hasOwn(CODINGS, encoding) ? CODINGS[encoding] : undefined;
    if (coding === undefined) return decompressAsGrpcJs.call(call, message, encoding);
    const wire = message.subarray(FRAMING_BYTES);
    return decompress(wire, coding, limits.requestBytesMax, share).catch((error: Error) => {
      throw describeGrpcStatus(error);
    });
  };
}
