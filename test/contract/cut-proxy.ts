/**
 * A network that fails when told to: everything goes through to the target, until it is cut after a number of answer
 * bytes, or goes away altogether, or comes back.
 */
import { connect, createServer, type Socket } from 'node:net';

export interface CutProxy {
  readonly port: number;
  /**
   * Cut every connection after this many further bytes of answers; Infinity = do not. Connections that clients keep open
   * stay: were they dropped, a client that has not noticed yet would lose its request instead of the answer.
   */
  cutAfter(bytes: number): void;
  /** Stop listening, drop every connection. */
  goAway(): Promise<void>;
  /** Listen again on the same port. */
  comeBack(): Promise<void>;
}

export async function openCutProxy(targetPort: number): Promise<CutProxy> {
  let bytesMax = Number.POSITIVE_INFINITY;
  let port = 0;
  const sockets = new Set<Socket>();
  /** Bytes of answers that went through since the last `cutAfter`, by client. */
  const answered = new Map<Socket, number>();
  const server = createServer((socket) => {
    const target = connect(targetPort, '127.0.0.1');
    answered.set(socket, 0);
    socket.on('close', () => answered.delete(socket));
    for (const [one, other] of [
      [socket, target],
      [target, socket],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
    socket.pipe(target);
    target.on('data', (chunk) => {
      const bytes = answered.get(socket) ?? 0;
      const rest = bytesMax - bytes;
      answered.set(socket, bytes + chunk.length);
      if (rest > chunk.length) socket.write(chunk);
      else socket.write(chunk.subarray(0, Math.max(0, rest)), () => socket.destroy());
    });
  });
  const listen = () =>
    new Promise<void>((done) => {
      server.listen(port, '127.0.0.1', () => {
        port = (server.address() as { port: number }).port;
        done();
      });
    });
  await listen();
  return {
    get port() {
      return port;
    },
    cutAfter(bytes) {
      bytesMax = bytes;
      for (const socket of answered.keys()) answered.set(socket, 0);
    },
    async goAway() {
      for (const socket of sockets) socket.destroy();
      if (server.listening) await new Promise((done) => server.close(done));
    },
    comeBack: listen,
  };
}
