/**
 * The life of an HTTP or HTTPS port: listen, and end without losing an answer. Enters: a request listener; leaves: a
 * Component. On shutdown nothing new is taken, requests under way are answered, and every other connection is closed at
 * once: kept-alive clients would otherwise hold the end up. It never looks into requests.
 */
import { createServer, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import type { Address, Component } from './model/component.js';
import type { Reloaded, TlsMaterial } from './model/reloaded.js';

export interface HttpServerOptions {
  host: string;
  port: number;
  /** How long a connection without requests is kept for the next one, milliseconds. */
  keepAliveMs: number;
  listener: RequestListener;
  limits: ConnectionLimits;
  tls?: Reloaded<TlsMaterial> | undefined;
}

export interface ConnectionLimits {
  /** Further connections are closed at once. */
  connectionsMax: number;
  /** Longest time for a TLS handshake, and for the head of a request to arrive, milliseconds. */
  headersTimeoutMs: number;
  /** Longest time for the rest of it, milliseconds; a listener that wants to say so itself must be faster. */
  requestTimeoutMs: number;
}

/** How often Node looks for connections that are too slow, milliseconds. */
const CHECK_INTERVAL_MAX_MS = 30_000;
/** A receiver tells its sender that it is too slow; the port steps in where it does not. */
const BACKSTOP_MS = 5_000;

export function createHttpServer(options: HttpServerOptions): Component & { address(): Address } {
  const { host, port } = options;
  const server = options.tls ? createTlsPort(options, options.tls) : createPort(options);
  server.keepAliveTimeout = options.keepAliveMs;
  server.maxConnections = options.limits.connectionsMax;
  const use = trackUse(server, options.tls ? 'secureConnection' : 'connection');
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
        const timer = setTimeout(use.closeAll, deadlineMs);
        server.close(() => {
          clearTimeout(timer);
          done();
        });
        use.closeUnused();
      }),
    address: () => ({ host, port: (server.address() as AddressInfo).port }),
  };
}

function createPort({ limits, listener }: HttpServerOptions): Server {
  return createServer(timeoutsOf(limits), listener);
}

function createTlsPort({ limits, listener }: HttpServerOptions, tls: Reloaded<TlsMaterial>): Server {
  const server = createTlsServer(
    {
      ...timeoutsOf(limits),
      ...tls.current(),
      minVersion: 'TLSv1.2',
      requestCert: tls.current().ca !== undefined,
      handshakeTimeout: limits.headersTimeoutMs,
    },
    listener,
  );
  tls.onChange((material) => server.setSecureContext({ ...material, minVersion: 'TLSv1.2' }));
  return server;
}

function timeoutsOf({ headersTimeoutMs, requestTimeoutMs }: ConnectionLimits) {
  return {
    headersTimeout: headersTimeoutMs,
    requestTimeout: headersTimeoutMs + requestTimeoutMs + BACKSTOP_MS,
    connectionsCheckingInterval: Math.min(CHECK_INTERVAL_MAX_MS, headersTimeoutMs),
  };
}

/** Counts the requests under way on each connection; `closeUnused` ends those without, now and from now on. */
function trackUse(server: Server, event: 'connection' | 'secureConnection') {
  const requests = new Map<Socket, number>();
  /** Those in a TLS handshake too. */
  const sockets = new Set<Socket>();
  let isClosing = false;
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on(event, (socket: Socket) => {
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
  return {
    closeUnused(): void {
      isClosing = true;
      for (const [socket, count] of requests) if (count === 0) socket.destroy();
    },
    closeAll(): void {
      for (const socket of sockets) socket.destroy();
    },
  };
}
