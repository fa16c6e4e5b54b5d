/**
 * The TCP or TLS port under gRPC. Enters: connections; leaves: each to grpc-js, once its handshake is done. A port of
 * our own, because that of grpc-js knows no limit on connections and hides its TLS context, which must be replaceable.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Address, Component } from '../model/component.js';
import type { Reloaded, TlsMaterial } from '../model/reloaded.js';

export interface GrpcPortOptions {
  host: string;
  port: number;
  /** Further connections are closed at once. */
  connectionsMax: number;
  /** Longest TLS handshake, milliseconds. */
  handshakeTimeoutMs: number;
  tls?: Reloaded<TlsMaterial> | undefined;
}

export function createGrpcPort(
  options: GrpcPortOptions,
  onConnection: (socket: Socket) => void,
): Component & { address(): Address } {
  const { host } = options;
  const server = options.tls ? createTlsPort(options, options.tls) : createServer({ noDelay: true });
  server.on(options.tls ? 'secureConnection' : 'connection', onConnection);
  server.maxConnections = options.connectionsMax;
  let port = options.port;
  return {
    start: () =>
      new Promise((done, fail) => {
        if (server.listening) return done();
        server.once('error', fail);
        server.listen(port, host, () => {
          server.off('error', fail);
          port = (server.address() as AddressInfo).port;
          done();
        });
      }),
    // Connections are ended by grpc-js.
    shutdown: async () => void server.close(),
    address: () => ({ host, port }),
  };
}

function createTlsPort({ handshakeTimeoutMs }: GrpcPortOptions, tls: Reloaded<TlsMaterial>): Server {
  const server = createTlsServer({
    ...tls.current(),
    minVersion: 'TLSv1.2',
    requestCert: tls.current().ca !== undefined,
    handshakeTimeout: handshakeTimeoutMs,
    ALPNProtocols: ['h2'],
    noDelay: true,
  });
  tls.onChange((material) => server.setSecureContext({ ...material, minVersion: 'TLSv1.2' }));
  // A handshake that fails is the client's affair.
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => socket.on('error', () => {}));
  return server;
}
