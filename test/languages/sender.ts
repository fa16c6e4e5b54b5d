/**
 * A program of a page, run as its reader would: with the variables that the page exports, against a server that takes what
 * comes, wants a token, or wants a certificate. Enters: what to run and how; leaves: what SQL then says was sent.
 */
import { querySql, waitUntil } from '../testkit/server.js';
import { readFence } from './markdown-fences.js';
import type { Addresses, Plumblines } from './start-plumblines.js';
import { run } from './toolchain.js';

export type Protocol = 'http/protobuf' | 'http/json' | 'grpc';
export type Way = 'plain' | 'token' | 'tls';

export const WAYS: Record<Way, string> = {
  plain: 'as it is',
  token: 'with a token',
  tls: 'over TLS with a client certificate and a token',
};

/** What the page exports for each way. */
export function readVariables(page: string, way: Way): string {
  const sections = { plain: [], token: ['Tokens'], tls: ['Tokens', 'Certificates'] }[way];
  return ['Where to send', ...sections].map((section) => readFence(page, section, 'sh')).join('');
}

/** The same with this server's address, this protocol, token and service name in the place of the page's. */
export function fillIn(
  variables: string,
  {
    protocol,
    address,
    secret,
    service,
  }: { protocol: Protocol; address: string; secret: string; service: string },
): string {
  return variables
    .replaceAll(/127\.0\.0\.1:431[78]\b/g, address)
    .replace('=http/protobuf', `=${protocol}`)
    .replace('TOKEN', encodeURIComponent(secret))
    .replace('=checkout', `=${service}`);
}

/** Runs a command where the sender's files lie, with what `variables` export and nothing else. */
export async function runSender(command: string[], variables: string, folder: string): Promise<string> {
  const { code, output } = await run(['sh', '-ec', `${variables}\nexec "$@"`, 'sh', ...command], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
  });
  if (code !== 0) throw new Error(`the program ended with ${code}\n${output}`);
  return output;
}

export function addressOf(plumblines: Plumblines, way: Way, protocol: Protocol): string {
  return protocol === 'grpc' ? plumblines[way].grpc : plumblines[way].http;
}

/**
 * Everything that a service recorded in its own scope, once all that the server took is stored. `output` is shown where
 * nothing came.
 */
export async function readSent(server: Addresses, service: string, output: string) {
  interface Status {
    points: { accepted: number; stored: number };
  }
  await waitUntil(
    async () => (await (await fetch(`http://${server.web}/api/status`)).json()) as Status,
    ({ points }) => points.stored === points.accepted,
    10_000,
  );
  const rows = await readStored(server, service);
  if (rows.length === 0) throw new Error(`nothing of ${service} arrived; its program printed\n${output}`);
  return rows;
}

/** The same of what is stored by now. */
export function readStored(server: Addresses, service: string) {
  // Agents send metrics of their own beside those of the program.
  const own = `source_system = '${service}' AND scope_name = 'checkout'`;
  return querySql(
    server,
    `SELECT metric_name, unit, CAST(metric_type, 'String') AS type, scope_name AS scope, attributes, '1' AS count,
            CAST(value_type, 'String') AS number, toString(if(value_type = 'int', value_int, value_double)) AS sum
     FROM number_points INNER JOIN series AS s FINAL USING (series_id) WHERE ${own}
     UNION ALL
     SELECT metric_name, unit, CAST(metric_type, 'String'), scope_name, attributes, toString(count), 'double', toString(sum)
     FROM histogram_points INNER JOIN series AS s FINAL USING (series_id) WHERE ${own}
     ORDER BY metric_name`,
  );
}
