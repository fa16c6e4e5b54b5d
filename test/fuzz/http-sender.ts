/** One attack over a raw socket. Leaves the statuses that came back, or that nothing came and nobody hung up. */
import { connect } from 'node:net';
import type { HttpAttack } from './http-attacks.js';

export interface HttpResult {
  statuses: number[];
  /** Neither an end nor an error within the time. */
  isHung: boolean;
}

/** An attacker that hangs up gives the server this long to begin, milliseconds. */
const HANG_UP_MS = 20;
const ANSWER_BYTES_MAX = 1024 * 1024;

export function sendHttpAttack(address: string, attack: HttpAttack, timeoutMs: number): Promise<HttpResult> {
  const [host, port] = address.split(':') as [string, string];
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = connect({ host, port: Number(port), allowHalfOpen: true });
    const finish = (isHung: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve({ statuses: readStatuses(Buffer.concat(chunks)), isHung });
    };
    const timer = setTimeout(finish, timeoutMs, true);
    socket.on('data', (chunk) => {
      length += chunk.length;
      if (length <= ANSWER_BYTES_MAX) chunks.push(chunk);
    });
    socket.once('end', () => finish(false));
    // A server may reset the connection of somebody who goes on talking after its answer.
    socket.once('error', () => finish(false));
    socket.once('close', () => finish(false));
    socket.write(attack.bytes, () => {
      if (attack.ending === 'end') socket.end();
      else if (attack.ending === 'hang up') setTimeout(finish, HANG_UP_MS, false);
    });
  });
}

/** Of every answer on the connection. */
function readStatuses(bytes: Buffer): number[] {
  const answers = bytes.toString('latin1').matchAll(/HTTP\/1\.1 (\d{3}) /g);
  return [...answers].map(([, status]) => Number(status));
}
