/**
 * Requests to the HTTP port, written as a test wants them: any method, path and headers, with or without a length, in
 * pieces, or never finished. Enters: what to send; leaves: the answer, its Status read by its own content type.
 */
import { type IncomingHttpHeaders, request } from 'node:http';
import { readStatus, type StatusAnswer } from './receiver-fixture.js';
import type { Encoding } from './running-pipeline.js';

export const CONTENT_TYPES: Record<Encoding, string> = {
  protobuf: 'application/x-protobuf',
  json: 'application/json',
};

export interface RawAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  bytes: Buffer;
}

export interface RawRequest {
  method?: string;
  path?: string;
  headers?: Record<string, string>;
  /** One piece goes with a Content-Length; several are a chunked body. */
  pieces?: readonly Uint8Array[];
}

/** Every request has a connection of its own. */
export function sendRaw(address: string, request: RawRequest): Promise<RawAnswer> {
  return openRaw(address, request).answer;
}

export interface OpenRequest {
  answer: Promise<RawAnswer>;
  write(bytes: Uint8Array): void;
  end(): void;
  /** Breaks the connection off. */
  abort(): void;
}

/** Sends the head and the pieces; `isEnded: false` leaves the request unfinished. */
export function openRaw(
  address: string,
  { method = 'POST', path = '/v1/metrics', headers = {}, pieces = [] }: RawRequest,
  isEnded = true,
): OpenRequest {
  const { hostname, port } = new URL(`http://${address}`);
  const length = isEnded && pieces.length === 1 ? { 'Content-Length': String(pieces[0]!.length) } : {};
  const sent = request({
    host: hostname,
    port,
    method,
    path,
    agent: false,
    headers: { ...length, ...headers },
  });
  const answer = new Promise<RawAnswer>((resolve, reject) => {
    sent.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, bytes: Buffer.concat(chunks) }),
      );
      // An answer that comes early ends what is left to send.
      response.once('end', () => sent.destroy());
    });
    // A refused body may be cut off while it is still sent; the answer is what counts.
    let failed: Error | undefined;
    sent.on('error', (error) => {
      failed = error;
    });
    sent.once('close', () => setTimeout(() => reject(failed ?? new Error('closed without an answer')), 100));
  });
  answer.catch(() => {});
  for (const piece of pieces) sent.write(piece);
  if (isEnded) sent.end();
  return {
    answer,
    write: (bytes) => void sent.write(bytes),
    end: () => void sent.end(),
    abort: () => void sent.destroy(),
  };
}

/** The google.rpc.Status of an answer, details by type; throws where its body is none. */
export function statusOf({ headers, bytes }: Pick<RawAnswer, 'bytes'> & { headers: unknown }): StatusAnswer {
  const type =
    headers instanceof Headers
      ? headers.get('content-type')
      : (headers as IncomingHttpHeaders)['content-type'];
  if (type === CONTENT_TYPES.protobuf) return readStatus(bytes);
  if (type !== CONTENT_TYPES.json) throw new Error(`"${type}" is no type of an answer`);
  const json = JSON.parse(bytes.toString()) as {
    code: number;
    message: string;
    details?: ({ '@type': string } & Record<string, unknown>)[];
  };
  const details: StatusAnswer['details'] = {};
  for (const { '@type': name, ...value } of json.details ?? []) {
    details[name.replace('type.googleapis.com/google.rpc.', '')] = value;
  }
  return { code: json.code, message: json.message, details };
}
