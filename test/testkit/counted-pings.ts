/**
 * A way in to a gRPC port that counts. Enters: its address; leaves: another address whose connections go there byte by
 * byte, how many there were, and how many pings of clients were answered. Never changes a byte.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** HTTP/2: 8 bytes of payload, type PING, flag ACK, stream 0. */
const ANSWERED_PING = Buffer.from('000008060100000000', 'hex');

export interface CountedPings {
  address: string;
  connections: () => number;
  answeredPings: () => number;
  close(): Promise<void>;
}

export async function countPings(address: string): Promise<CountedPings> {
  const { hostname, port } = new URL(`http://${address}`);
  const sockets = new Set<Socket>();
  let connections = 0;
  let pings = 0;
  const server = createServer((client) => {
    connections++;
    const target = connect(Number(port), hostname);
    let rest = Buffer.alloc(0);
    target.on('data', (chunk: Buffer) => {
      const said = Buffer.concat([rest, chunk]);
      let end = 0;
      for (let at = said.indexOf(ANSWERED_PING); at !== -1; at = said.indexOf(ANSWERED_PING, end)) {
        pings++;
        end = at + ANSWERED_PING.length;
      }
      // A frame may come in two pieces.
      rest = said.subarray(Math.max(end, said.length - ANSWERED_PING.length + 1));
    });
    for (const [from, to] of [
      [client, target],
      [target, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => {});
      from.once('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    connections: () => connections,
    answeredPings: () => pings,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
