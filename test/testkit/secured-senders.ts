/**
 * Senders that show tokens and certificates, over both protocols. Enters: an address, what to show, bytes; leaves: the
 * answer. Every request has a connection of its own, so that each makes its own handshake.
 */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { type ConnectionOptions, connect } from 'node:tls';
import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { EXPORT_PATH } from './grpc-call.js';
import type { RawAnswer } from './http-sender.js';

export interface Shown {
  headers?: Record<string, string>;
  /** Whom the sender trusts, and what it shows itself, in PEM; without it the connection is plain. */
  tls?: { ca: string; cert?: string; key?: string };
}

export function sendHttp(
  address: string,
  bytes: Uint8Array,
  { headers = {}, tls }: Shown = {},
  method = 'POST',
  path = '/v1/metrics',
): Promise<RawAnswer> {
  const { hostname, port } = new URL(`http://${address}`);
  const options = { host: hostname, port, path, method, agent: false as const };
  const type = { 'Content-Type': 'application/x-protobuf' };
  return new Promise((resolve, reject) => {
    const all = { ...options, headers: { ...type, ...headers } };
    const sent = tls ? httpsRequest({ ...all, ...tls }) : httpRequest(all);
    sent.once('error', reject);
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, bytes: Buffer.concat(chunks) }),
      );
    });
    sent.end(bytes);
  });
}

/** Resolves with OK or the error of the call. */
export async function sendGrpc(
  address: string,
  bytes: Buffer,
  { headers = {}, tls }: Shown = {},
): Promise<'OK' | ServiceError> {
  const buffer = (pem?: string) => (pem === undefined ? null : Buffer.from(pem));
  const shown = tls
    ? credentials.createSsl(buffer(tls.ca), buffer(tls.key), buffer(tls.cert))
    : credentials.createInsecure();
  // A connection is shared by clients of one address otherwise.
  const client = new Client(address, shown, { 'grpc.use_local_subchannel_pool': 1 });
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const asIs = (value: Buffer) => value;
  try {
    return await new Promise((resolve) => {
      const deadline = { deadline: Date.now() + 10_000 };
      client.makeUnaryRequest(EXPORT_PATH, asIs, asIs, bytes, metadata, deadline, (error) =>
        resolve(error ?? 'OK'),
      );
    });
  } finally {
    client.close();
  }
}

export interface Handshake {
  /** "TLSv1.3" */
  version: string;
  /** Common name of the certificate that the port shows. */
  commonName: string;
  /** Application protocol agreed on, '' where there is none. */
  protocol: string;
}

/** Rejects where the port does not agree. */
export function shakeHands(address: string, options: ConnectionOptions): Promise<Handshake> {
  const { hostname, port } = new URL(`http://${address}`);
  return new Promise((resolve, reject) => {
    const socket = connect({ host: hostname, port: Number(port), ...options });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      resolve({
        version: socket.getProtocol()!,
        commonName: socket.getPeerCertificate().subject.CN as string,
        protocol: socket.alpnProtocol || '',
      });
      socket.destroy();
    });
  });
}
