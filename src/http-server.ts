/**
 * The life of an HTTP port: listen, and end without losing an answer. Enters: a request listener; leaves: a Component.
 * On shutdown nothing new is taken, requests under way are answered, and every other connection is closed at once:
 * kept-alive clients would otherwise hold the end up. It never looks into requests.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Address, Component } from './model/component.js';

export interface HttpServerOptions {
  host: string;
  port: number;
  /** How long a connection without requests is kept for the next one, milliseconds. */
  keepAliveMs: number;
  listener: RequestListener;
}

export function createHttpServer(options: HttpServerOptions): Component & { address(): Address } {
  const { host, port } = options;
  const server = createServer(options.listener);
  server.keepAliveTimeout = options.keepAliveMs;
  const closeUnused = trackUse(server);
  return {
    start: () =>
      new Promise((done, fail) => {
        if (server.listening) return done();
        server.once('error', fail);
        server.listen(port, host, () => {
          server.off('error', fail);
          done();
        });
      }),
    shutdown: (deadlineMs) =>
      new Promise((done) => {
        if (!server.listening) return done();
        const timer = setTimeout(() => server.closeAllConnections(), deadlineMs);
        server.close(() => {
          clearTimeout(timer);
          done();
        });
        closeUnused();
      }),
    address: () => ({ host, port: (server.address() as AddressInfo).port }),
  };
}

/** Counts the requests under way on each connection; the function returned closes those without, now and from now on. */
function trackUse(server: Server): () => void {
  const requests = new Map<Socket, number>();
  let isClosing = false;
  server.on('connection', (socket) => {
    requests.set(socket, 0);
    socket.once('close', () => requests.delete(socket));
  });
  server.prependListener('request', ({ socket }, response) => {
    requests.set(socket, (requests.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = requests.get(socket)! - 1;
      requests.set(socket, left);
      if (isClosing && left === 0) socket.destroySoon();
    });
  });
  return () => {
    isClosing = true;
    for (const [socket, count] of requests) if (count === 0) socket.destroy();
  };
}
