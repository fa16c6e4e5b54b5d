/**
 * Real HTTP requests of visitors, the health prober and the shop itself. Enters a method, a port and a path; leaves the
 * status code, or 0 where no answer came. Calls `http.request` on the module object, where the instrumentation sees it.
 */
import http from 'node:http';
import { LOCALHOST } from './http-server.js';

export interface HttpCaller {
  call(method: string, port: number, path: string): Promise<number>;
  /** Closes every connection; calls under way end with 0. */
  close(): void;
}

/** Longer than the shop ever takes. */
const NO_ANSWER_MS = 10_000;

export function createHttpCaller(socketsMax: number): HttpCaller {
  const agent = new http.Agent({ keepAlive: true, maxSockets: socketsMax });
  return {
    call: (method, port, path) =>
      new Promise((resolve) => {
        const request = http.request({ host: LOCALHOST, port, path, method, agent, timeout: NO_ANSWER_MS });
        request.on('response', (response) => {
          response.resume();
          response.on('end', () => resolve(response.statusCode ?? 0));
          response.on('error', () => resolve(0));
        });
        request.on('timeout', () => request.destroy());
        request.on('error', () => resolve(0));
        request.on('close', () => resolve(0));
        request.end();
      }),
    close: () => agent.destroy(),
  };
}
