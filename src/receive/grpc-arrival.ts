/**
 * How a gRPC message arrives, before it is handed on whole. Enters: the frames of a call; leaves: the same bounds as
 * over HTTP: bytes in flight (on the wire and decompressed), time to arrive, size, and damaged compression as
 * INVALID_ARGUMENT. A call that has its answer holds no room, whatever of it still comes, unless its message is still worked
 * on. grpc-js has no public place
 * for these, so this reaches into the call that it gives to interceptors; the library is pinned and the first call of a
 * start fails loudly where it changed.
 */
import type { ServerHttp2Stream } from 'node:http2';
import type { ServerInterceptingCallInterface, ServerInterceptor } from '@grpc/grpc-js';
import { PermanentError } from '../model/errors.js';
import { ArrivalTimer } from './arrival-timer.js';
import { type Coding, decompress, tooLarge } from './decompress.js';
import { describeGrpcStatus, type GrpcStatus } from './grpc-status.js';
import type { InflightBytes, InflightShare } from './inflight-bytes.js';
import type { BodyLimits } from './read-body.js';
import { GRPC_CODES } from './status-codes.js';

/** What is used of grpc-js's BaseServerInterceptingCall. */
interface ArrivingCall extends ServerInterceptingCallInterface {
  stream: ServerHttp2Stream;
  /** Enters: a message with its five bytes of framing, and `identity` where it is not compressed. */
  decompressMessage(message: Buffer, encoding: string): Buffer | Promise<Buffer>;
}

type SentStatus = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

const CODINGS: Readonly<Record<string, Coding>> = { gzip: 'gzip', deflate: 'deflate' };
const ACCEPTED_ENCODINGS = 'identity,deflate,gzip';
const FRAMING_BYTES = 5;
/** So much of a name that is not known is quoted: clients take few bytes of headers. */
const QUOTED_CHARS_MAX = 64;

/** The share of each message that was handed on, by the message itself: grpc-js has no other way from a call to its handler. */
const shares = new WeakMap<Buffer, InflightShare>();

/** What the message of a call holds in memory; undefined where it is empty. */
export function shareOf(message: Buffer): InflightShare | undefined {
  return shares.get(message);
}

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
  const refuse = (error: Error) => call.sendStatus(describeGrpcStatus(error));
  const timer = new ArrivalTimer(limits, refuse);
  function count(chunk: Buffer): void {
    timer.touch();
    try {
      share.add(chunk.length);
    } catch (error) {
      refuse(error as Error);
    }
  }
  function finish(): void {
    stream.off('data', count);
    timer.stop();
    share.release();
  }
  stream.on('data', count);
  stream.once('end', () => timer.stop());
  stream.once('close', finish);

  // Every answer comes through here: of handlers, of other interceptors, and of grpc-js itself.
  const sendAsGrpcJs = call.sendStatus;
  call.sendStatus = (status) => {
    finish();
    sendAsGrpcJs.call(call, restate(status, limits));
    // What still comes is not wanted.
    if (!stream.readableEnded) stream.close();
  };

  const decompressAsGrpcJs = call.decompressMessage;
  call.decompressMessage = async (message, encoding) => {
    const plain = await decompressMessage(message, encoding);
    shares.set(plain, share);
    return plain;
  };

  async function decompressMessage(message: Buffer, encoding: string): Promise<Buffer> {
    if (encoding === 'identity') return decompressAsGrpcJs.call(call, message, encoding);
    const coding = Object.hasOwn(CODINGS, encoding) ? CODINGS[encoding] : undefined;
    if (coding === undefined) throw describeUnsupported(encoding);
    try {
      return await decompress(message.subarray(FRAMING_BYTES), coding, limits.requestBytesMax, share);
    } catch (error) {
      throw describeGrpcStatus(error as Error);
    }
  }
}

/** grpc-js says that a message is too large without saying what could be done. */
function restate(status: SentStatus, { requestBytesMax }: BodyLimits): SentStatus {
  if (status.code !== GRPC_CODES.RESOURCE_EXHAUSTED || status.metadata) return status;
  return describeGrpcStatus(tooLarge('', requestBytesMax));
}

function describeUnsupported(encoding: string): GrpcStatus {
  const quoted = encoding.slice(0, QUOTED_CHARS_MAX);
  const status = describeGrpcStatus(
    new PermanentError(
      'unsupported',
      `grpc-encoding "${quoted}" is not supported; send gzip, deflate or no compression`,
    ),
  );
  status.metadata.set('grpc-accept-encoding', ACCEPTED_ENCODINGS);
  return status;
}
