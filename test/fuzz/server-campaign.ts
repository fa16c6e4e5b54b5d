/**
 * The server's part of a run: a real server in a process of its own, many broken requests at a time over real sockets,
 * valid ones between them. It must answer or hang up in time, keep within its memory, store every valid point once, keep
 * its counts balanced, stop in an orderly way and find everything again after a restart.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import {
  makeDataDirectory,
  querySql,
  type RunningServer,
  startServer,
  waitUntil,
} from '../testkit/server.js';
import { Chance } from './chance.js';
import { buildCorpus, type Corpus } from './corpus.js';
import { type CampaignResult, CORPUS_SIZE } from './decoder-campaign.js';
import { Finding, writeFinding } from './finding.js';
import { drawGrpcAttack } from './grpc-attacks.js';
import { GrpcSender } from './grpc-sender.js';
import { drawHttpAttack, type HttpAttack } from './http-attacks.js';
import { sendHttpAttack } from './http-sender.js';
import { Sentinels } from './sentinels.js';

export interface ServerCampaignOptions {
  requests: number;
  seed: number;
  endUnixMs: number;
  findingsDirectory: string;
  onProgress: (done: number, rssBytes: number, detail: string) => void;
}

const SENDERS = 48;
const SENTINEL_EVERY = 50;
const GRPC_SHARE = 0.3;
/** An answer takes milliseconds; a machine that is busy with other things may take seconds. */
const ANSWER_MS_MAX = 20_000;
/** Who sends noise to the gRPC port listens this long and then hangs up. */
const NOISE_MS = 300;
/** The server pings silent clients after 30 s and gives them 10 s to answer. */
const SOCKETS_CLOSED_MS = 60_000;
/** Kept open by ourselves (fetch), or yet to be pinged; a fault that keeps sockets keeps hundreds in a full run. */
const SOCKETS_SPARE = 64;
const REQUEST_BYTES_MAX = 2 * 1024 * 1024;
/** The engine alone takes 300 to 600 MiB while it inserts and merges. */
export const SERVER_RSS_BYTES_MAX = 1_400 * 1024 * 1024;
const SETTINGS = {
  PLUMBLINE_REQUEST_BYTES_MAX: String(REQUEST_BYTES_MAX),
  PLUMBLINE_INFLIGHT_BYTES_MAX: String(32 * 1024 * 1024),
  PLUMBLINE_LOG_LEVEL: 'error',
};
/** What a broken request may get: everything but "our fault". */
const HTTP_STATUSES = new Set([100, 200, 400, 404, 405, 408, 413, 415, 417, 429, 431, 501, 503, 505]);
/** OK, INVALID_ARGUMENT, RESOURCE_EXHAUSTED, UNAVAILABLE: what our own handler says. */
const GRPC_CODES = new Set([0, 3, 8, 14]);
const FINDINGS_MAX = 10;

export async function fuzzServer(options: ServerCampaignOptions): Promise<CampaignResult> {
  const data = makeDataDirectory();
  const server = await startServer(data.path, SETTINGS);
  const campaign = new ServerCampaign(server, options);
  try {
    await campaign.run();
    await campaign.checkAfterwards(() => startServer(data.path, SETTINGS));
  } catch (error) {
    campaign.add(error as Error);
  } finally {
    campaign.close();
    await server.stop('SIGKILL');
    data.remove();
  }
  return campaign.result;
}

class ServerCampaign {
  readonly result: CampaignResult = { counts: {}, findings: [], rssPeakBytes: 0 };
  private readonly corpus: Corpus;
  private readonly sentinels: Sentinels;
  private readonly nowUnixMs = Date.now();
  /** Attacks under way: the suspects when the server dies. */
  private readonly underWay = new Map<number, { name: string; bytes: Buffer }>();
  private readonly kinds = new Set<string>();
  private readonly watch: NodeJS.Timeout;
  private readonly socketsBefore: number;
  private isDead = false;
  private next = 0;

  constructor(
    private readonly server: RunningServer,
    private readonly options: ServerCampaignOptions,
  ) {
    this.corpus = buildCorpus(options.seed, CORPUS_SIZE, this.nowUnixMs);
    this.sentinels = new Sentinels(server, this.nowUnixMs);
    this.socketsBefore = countSockets(server.pid);
    this.watch = setInterval(() => this.checkMemory(), 250);
    server.process.once('exit', () => {
      this.isDead = true;
    });
  }

  async run(): Promise<void> {
    await Promise.all(Array.from({ length: SENDERS }, () => this.sendAttacks()));
    if (!this.isDead) return;
    const text = `the server ended: ${this.server.stderr().slice(-2_000)}`;
    for (const [number, { name, bytes }] of this.underWay)
      this.write(new Finding('server died', text), number, name, bytes);
    throw new Finding('server died', text);
  }

  private async sendAttacks(): Promise<void> {
    const { requests, seed, endUnixMs } = this.options;
    const grpc = new GrpcSender(this.server.grpc);
    while (this.next < requests && !this.isDead && this.kinds.size < FINDINGS_MAX && Date.now() < endUnixMs) {
      const number = this.next++;
      const chance = new Chance(seed + 1, number);
      if (number % SENTINEL_EVERY === 0) await this.noting(() => this.sentinels.send());
      if (chance.happens(GRPC_SHARE)) await this.attackGrpc(grpc, number, chance);
      else await this.attackHttp(drawHttpAttack(this.corpus, seed, number, chance), number);
      const { rssPeakBytes, counts } = this.result;
      this.options.onProgress(number, rssPeakBytes, `${counts['HTTP 200'] ?? 0} accepted over HTTP`);
    }
    grpc.close();
  }

  private async attackHttp(attack: HttpAttack, number: number): Promise<void> {
    const { name, bytes } = attack;
    this.underWay.set(number, { name, bytes });
    const { statuses, isHung } = await sendHttpAttack(this.server.http, attack, ANSWER_MS_MAX);
    if (this.isDead) return;
    this.underWay.delete(number);
    this.count(statuses.length === 0 ? 'HTTP without answer' : `HTTP ${statuses[0]}`);
    const odd = statuses.find((status) => !HTTP_STATUSES.has(status));
    if (odd !== undefined)
      this.write(new Finding(`HTTP ${odd}`, `${name}: status ${odd}`), number, name, bytes);
    if (isHung) this.write(new Finding('HTTP hang', `${name}: neither answer nor end`), number, name, bytes);
    else if (attack.mustAnswer && statuses.length === 0) {
      this.write(new Finding('HTTP no answer', `${name}: hung up without an answer`), number, name, bytes);
    }
  }

  private async attackGrpc(grpc: GrpcSender, number: number, chance: Chance): Promise<void> {
    const attack = drawGrpcAttack(this.corpus, this.options.seed, number, chance);
    const { name } = attack;
    if ('bytes' in attack) {
      const raw: HttpAttack = { name, bytes: attack.bytes, ending: 'end', mustAnswer: false };
      this.underWay.set(number, attack);
      await sendHttpAttack(this.server.grpc, raw, NOISE_MS);
      if (!this.isDead) this.underWay.delete(number);
      this.count('gRPC raw');
      return;
    }
    this.underWay.set(number, { name, bytes: attack.body });
    const { code, isHung } = await grpc.send(attack, ANSWER_MS_MAX);
    if (this.isDead) return;
    this.underWay.delete(number);
    this.count(code === undefined ? 'gRPC without status' : `gRPC ${code}`);
    if (isHung) this.write(new Finding('gRPC hang', `${name}: no status`), number, name, attack.body);
    else if (attack.isWellFramed && code !== undefined && !GRPC_CODES.has(code)) {
      this.write(new Finding(`gRPC ${code}`, `${name}: code ${code}`), number, name, attack.body);
    }
  }

  /** The server afterwards: alive, balanced, everything stored once; then once more after an orderly end. */
  async checkAfterwards(restart: () => Promise<RunningServer>): Promise<void> {
    const { server, sentinels } = this;
    await sentinels.send();
    await sentinels.check();
    for (const path of ['healthz', 'readyz']) {
      const { status } = await fetch(`http://${server.web}/${path}`);
      if (status !== 200) throw new Finding('not ready', `/${path} says ${status}`);
    }
    await checkBalance(server, this.result.counts);
    await this.checkSockets();
    const code = await server.stop();
    if (code !== 0) throw new Finding('exit code', `${code} after SIGTERM`);
    const logged = server.stderr().trim();
    if (logged !== '') throw new Finding('errors logged', logged.slice(0, 2_000));
    const again = await restart();
    try {
      await sentinels.check(again);
    } finally {
      await again.stop();
    }
  }

  /** Who hung up, or never said anything of sense, leaves nothing behind. */
  private async checkSockets(): Promise<void> {
    this.sentinels.close();
    const read = async () => countSockets(this.server.pid);
    await waitUntil(
      read,
      (sockets) => sockets <= this.socketsBefore + SOCKETS_SPARE,
      SOCKETS_CLOSED_MS,
    ).catch((error: Error) => {
      throw new Finding('sockets kept', `${this.socketsBefore} before, ${error.message}`);
    });
  }

  add(error: Error): void {
    const { message } = error;
    this.result.findings.push(
      error instanceof Finding ? `${error.kind}: ${message}` : `${error.name}: ${error.stack}`,
    );
  }

  close(): void {
    clearInterval(this.watch);
    this.sentinels.close();
    this.count('sentinels', this.sentinels.acknowledged);
    this.count('requests', this.next);
  }

  private async noting(run: () => Promise<void>): Promise<void> {
    try {
      await run();
    } catch (error) {
      if (!this.isDead) this.add(error as Error);
    }
  }

  private count(name: string, by = 1): void {
    this.result.counts[name] = (this.result.counts[name] ?? 0) + by;
  }

  /** The first of each kind. */
  private write(finding: Finding, number: number, name: string, bytes: Buffer): void {
    const key = `${finding.kind} ${name}`;
    if (this.kinds.has(key)) return;
    this.kinds.add(key);
    const { seed, findingsDirectory } = this.options;
    const origin = { part: 'server' as const, seed, number, encoding: 'wire', mutations: [name] };
    this.result.findings.push(
      `${finding.kind}: ${finding.message} (${writeFinding(findingsDirectory, finding, bytes, origin)})`,
    );
  }

  private checkMemory(): void {
    const rss = readRssBytes(this.server.pid);
    this.result.rssPeakBytes = Math.max(this.result.rssPeakBytes, rss);
    if (rss <= SERVER_RSS_BYTES_MAX || this.kinds.has('memory')) return;
    this.kinds.add('memory');
    this.add(new Finding('memory', `${rss} bytes resident, at most ${SERVER_RSS_BYTES_MAX}`));
  }
}

/** 0 where the system does not tell. */
function readRssBytes(pid: number): number {
  try {
    return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

/** 0 where the system does not tell. */
function countSockets(pid: number): number {
  const directory = `/proc/${pid}/fd`;
  const isSocket = (name: string) => {
    try {
      return readlinkSync(`${directory}/${name}`).startsWith('socket:');
    } catch {
      return false;
    }
  };
  try {
    return readdirSync(directory).filter(isSocket).length;
  } catch {
    return 0;
  }
}

/** accepted = stored, nothing dropped or put aside, every answer counted, every table readable from end to end. */
async function checkBalance(server: RunningServer, counts: Record<string, number>): Promise<void> {
  const readStatus = async () =>
    (await (await fetch(`http://${server.web}/api/status`)).json()) as {
      points: { accepted: number; rejected: number; stored: number; dropped: number };
      requests: { answered: number; malformed: number; refused: number };
      spool: { quarantinedSegments: number };
    };
  const status = await waitUntil(readStatus, ({ points }) => points.stored >= points.accepted, 60_000);
  const { points, requests, spool } = status;
  if (points.stored !== points.accepted || points.dropped !== 0 || spool.quarantinedSegments !== 0) {
    throw new Finding('counts do not balance', JSON.stringify(status));
  }
  const seen = (counts['HTTP 200'] ?? 0) + (counts['gRPC 0'] ?? 0);
  if (requests.answered < seen)
    throw new Finding('answers uncounted', `${seen} seen, ${JSON.stringify(requests)}`);
  counts.pointsAccepted = points.accepted;
  counts.pointsRejected = points.rejected;
  for (const table of [
    'series',
    'number_points',
    'histogram_points',
    'exponential_histogram_points',
    'summary_points',
    'exemplars',
  ]) {
    await querySql(server, `SELECT sum(cityHash64(*)) AS hash FROM ${table}`);
  }
}
