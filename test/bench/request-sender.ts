/** Sends prepared requests over a few kept connections, as fast as the server answers; refused ones are sent again. */
import { Agent, request } from 'node:http';

export interface SendResult {
  wallS: number;
  refused: number;
}

export async function sendAll(
  address: string,
  bodies: readonly Buffer[],
  connections: number,
): Promise<SendResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  let next = 0;
  let refused = 0;
  const startedMs = performance.now();
  await Promise.all(
    Array.from({ length: connections }, async () => {
      while (next < bodies.length) {
        const body = bodies[next++]!;
        for (;;) {
          const { status, retryAfterS } = await post(agent, address, body);
          if (status === 200) break;
          if (status !== 503) throw new Error(`the server answered ${status}`);
          refused++;
          await new Promise((done) => setTimeout(done, retryAfterS * 1000));
        }
      }
    }),
  );
  agent.destroy();
  return { wallS: (performance.now() - startedMs) / 1000, refused };
}

function post(agent: Agent, address: string, body: Buffer): Promise<{ status: number; retryAfterS: number }> {
  return new Promise((resolve, reject) => {
    const headers = {
      'Content-Type': 'application/x-protobuf',
      'Content-Encoding': 'gzip',
      'Content-Length': body.length,
    };
    const sent = request(`http://${address}/v1/metrics`, { method: 'POST', agent, headers }, (response) => {
      response.resume();
      const retryAfterS = Number(response.headers['retry-after'] ?? 1);
      response.once('end', () => resolve({ status: response.statusCode!, retryAfterS }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}
