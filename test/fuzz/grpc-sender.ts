/** Calls over HTTP/2 sessions that are shared, as clients do, until an attack ends one. Leaves the gRPC status of each. */
import { type ClientHttp2Session, connect, constants } from 'node:http2';
import type { GrpcCall } from './grpc-attacks.js';

export interface GrpcResult {
  /** grpc-status; undefined where the stream or the session was ended instead. */
  code?: number;
  isHung: boolean;
}

/** Calls before a session is replaced. */
const CALLS_MAX = 200;

export class GrpcSender {
  private session: ClientHttp2Session | undefined;
  private calls = 0;
  constructor(private readonly address: string) {}

  send({ headers, body, isCancelled }: GrpcCall, timeoutMs: number): Promise<GrpcResult> {
    return new Promise((resolve) => {
      let code: number | undefined;
      const timer = setTimeout(() => finish(true), timeoutMs);
      const finish = (isHung: boolean) => {
        clearTimeout(timer);
        if (isHung) this.session?.destroy();
        resolve({ ...(code !== undefined && { code }), isHung });
      };
      const note = (received: Record<string, unknown>) => {
        if (received['grpc-status'] !== undefined) code = Number(received['grpc-status']);
      };
      try {
        const stream = this.open().request(headers, { endStream: false });
        stream
          .on('response', note)
          .on('trailers', note)
          .on('error', () => undefined);
        stream.once('close', () => finish(false));
        stream.resume();
        if (isCancelled) {
          stream.write(body.subarray(0, body.length / 2));
          setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), 5);
        } else stream.end(body);
      } catch {
        // Headers that this client refuses to send, or a session that ended just now.
        this.session?.destroy();
        finish(false);
      }
    });
  }

  close(): void {
    this.session?.destroy();
  }

  private open(): ClientHttp2Session {
    const { session } = this;
    if (session !== undefined && !session.closed && !session.destroyed && this.calls++ < CALLS_MAX)
      return session;
    session?.close();
    this.calls = 0;
    this.session = connect(`http://${this.address}`).on('error', () => undefined);
    return this.session;
  }
}
