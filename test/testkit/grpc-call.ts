/**
 * gRPC calls frame by frame over node's own HTTP/2, for what no gRPC client would send. Enters: a session, the bytes of
 * the message and how they are framed; leaves: the status of the call, its google.rpc.Status where it has one, and the
 * response.
 */
import { type ClientHttp2Session, connect, constants, type IncomingHttpHeaders } from 'node:http2';
import { readStatus, type StatusAnswer } from './receiver-fixture.js';

export const EXPORT_PATH = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

export interface GrpcAnswer {
  code: number;
  message: string;
  status: StatusAnswer | undefined;
  /** The first message, without its framing. */
  response: Buffer;
  /** Headers and trailers. */
  headers: IncomingHttpHeaders;
}

export interface GrpcFrame {
  path?: string;
  /** grpc-encoding; the frame is marked as compressed where it is set. */
  encoding?: string;
  headers?: Record<string, string>;
  /** What the frame says its length to be, bytes. */
  length?: number;
  /** Leaves the call unfinished. */
  isOpen?: boolean;
  /** Finishes the call only then. */
  endAfter?: Promise<unknown>;
  /** Cancels the call then. */
  cancelAfter?: Promise<unknown>;
}

export function openSession(address: string): Promise<ClientHttp2Session> {
  const session = connect(`http://${address}`);
  return new Promise((done, fail) => {
    session.once('connect', () => {
      session.on('error', () => {});
      done(session);
    });
    session.once('error', fail);
  });
}

export function callRaw(
  session: ClientHttp2Session,
  bytes: Uint8Array,
  frame: GrpcFrame = {},
): Promise<GrpcAnswer> {
  const {
    path = EXPORT_PATH,
    encoding,
    headers = {},
    length = bytes.length,
    isOpen = false,
    endAfter,
    cancelAfter,
  } = frame;
  const stream = session.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc+proto',
    te: 'trailers',
    ...(encoding !== undefined && { 'grpc-encoding': encoding }),
    ...headers,
  });
  const framing = Buffer.alloc(5);
  framing[0] = encoding === undefined ? 0 : 1;
  framing.writeUInt32BE(length, 1);
  const chunks: Buffer[] = [];
  let last: IncomingHttpHeaders = {};
  stream.on('response', (received) => {
    last = { ...last, ...received };
  });
  stream.on('trailers', (received) => {
    last = { ...last, ...received };
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.write(Buffer.concat([framing, bytes]));
  if (endAfter !== undefined) void endAfter.then(() => stream.end());
  else if (!isOpen) stream.end();
  void cancelAfter?.then(() => stream.close(constants.NGHTTP2_CANCEL));
  return new Promise((resolve, reject) => {
    stream.on('error', () => {});
    stream.once('close', () => {
      if (last['grpc-status'] === undefined) return reject(new Error(`no status, reset ${stream.rstCode}`));
      const details = last['grpc-status-details-bin'];
      resolve({
        code: Number(last['grpc-status']),
        message: decodeURIComponent(String(last['grpc-message'] ?? '')),
        status: details === undefined ? undefined : readStatus(Buffer.from(String(details), 'base64')),
        response: Buffer.concat(chunks).subarray(5),
        headers: last,
      });
    });
  });
}
