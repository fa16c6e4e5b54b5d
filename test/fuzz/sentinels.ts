/**
 * Valid requests between the broken ones: one point each, known by its number, over both protocols and all encodings.
 * Leaves what was acknowledged, and whether SQL has exactly that.
 */
import { gzipSync } from 'node:zlib';
import { gauge, numberPoint, request, stringAttribute, toJson, toProtobuf } from '../testkit/otlp-message.js';
import { querySql, type RunningServer, waitUntil } from '../testkit/server.js';
import { Finding } from './finding.js';
import { EXPORT_PATH, frame } from './grpc-attacks.js';
import { GrpcSender } from './grpc-sender.js';

const METRIC = 'fuzz.sentinel';
const TRIES_MAX = 20;
const RETRY_MS = 250;
const TIMEOUT_MS = 30_000;
const VISIBLE_MS = 60_000;

export class Sentinels {
  acknowledged = 0;
  private readonly grpc: GrpcSender;

  constructor(
    private readonly server: RunningServer,
    private readonly nowUnixMs: number,
  ) {
    this.grpc = new GrpcSender(server.grpc);
  }

  /** Sends the next one until it is taken: the server may ask to come back later, nothing else. */
  async send(): Promise<void> {
    const number = this.acknowledged++;
    const timeUnixNano = BigInt(this.nowUnixMs - number) * 1_000_000n;
    const attributes = [stringAttribute('fuzz', 'sentinel')];
    const point = numberPoint({ asInt: BigInt(number), timeUnixNano, attributes });
    const message = request({ ...gauge(point), name: METRIC });
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const answer = number % 3 === 0 ? await this.overGrpc(message) : await this.overHttp(message, number);
      if (answer === 'taken') return;
      if (answer !== 'later') throw new Finding('valid request refused', `sentinel ${number}: ${answer}`);
      await new Promise((done) => setTimeout(done, RETRY_MS));
    }
    throw new Finding('valid request refused', `sentinel ${number}: no room after ${TRIES_MAX} tries`);
  }

  /** All of them are there, each once, also without FINAL. */
  async check(server = this.server): Promise<void> {
    const sql = `SELECT toUInt32(count()) AS points, toUInt32(countDistinct(value_int)) AS numbers,
        toUInt64(sum(value_int)) AS total
      FROM number_points WHERE series_id IN (SELECT series_id FROM series WHERE metric_name = '${METRIC}')`;
    const n = this.acknowledged;
    const expected = { points: n, numbers: n, total: String((n * (n - 1)) / 2) };
    const isThere = (row: typeof expected) => JSON.stringify(row) === JSON.stringify(expected);
    const read = async () => {
      const [row] = await querySql<typeof expected>(server, sql);
      return { ...row!, total: String(row!.total) };
    };
    await waitUntil(read, isThere, VISIBLE_MS).catch((error: Error) => {
      throw new Finding('points not once', `expected ${JSON.stringify(expected)}, ${error.message}`);
    });
  }

  close(): void {
    this.grpc.close();
  }

  private async overGrpc(message: ReturnType<typeof request>): Promise<string> {
    const headers = {
      ':method': 'POST',
      ':path': EXPORT_PATH,
      'content-type': 'application/grpc',
      te: 'trailers',
    };
    const body = frame(toProtobuf(message));
    const call = { name: 'sentinel', headers, body, isCancelled: false, isWellFramed: true };
    const { code, isHung } = await this.grpc.send(call, TIMEOUT_MS);
    if (isHung) return `gRPC: no answer within ${TIMEOUT_MS} ms`;
    return code === 0 ? 'taken' : code === 14 || code === 8 ? 'later' : `gRPC code ${code}`;
  }

  private async overHttp(message: ReturnType<typeof request>, number: number): Promise<string> {
    const isJson = number % 3 === 1;
    const plain = isJson ? toJson(message) : toProtobuf(message);
    const isZipped = number % 2 === 0;
    const response = await fetch(`http://${this.server.http}/v1/metrics`, {
      method: 'POST',
      headers: {
        'Content-Type': isJson ? 'application/json' : 'application/x-protobuf',
        ...(isZipped && { 'Content-Encoding': 'gzip' }),
      },
      body: isZipped ? gzipSync(plain) : plain,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const text = await response.text();
    if (response.status === 503 || response.status === 429) return 'later';
    // Anything but an empty answer would say that a point was rejected.
    return response.status === 200 && text === (isJson ? '{}' : '')
      ? 'taken'
      : `HTTP ${response.status} ${text}`;
  }
}
