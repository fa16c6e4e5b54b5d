/** A small slice of `npm run fuzz` with a fixed seed, and that the fuzzer sees faults where there are some. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Chance } from './chance.js';
import { buildCorpus } from './corpus.js';
import { DecoderChecks } from './decoder-checks.js';
import { Finding, shrink, writeFinding } from './finding.js';
import { drawHttpAttack } from './http-attacks.js';
import { sendHttpAttack } from './http-sender.js';
import { mutateRequest } from './mutated-request.js';
import { fuzzServer } from './server-campaign.js';

const SEED = 20_261_124;
const directory = mkdtempSync(join(tmpdir(), 'plumbline-fuzz-'));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const inAnHour = () => Date.now() + 3_600_000;

describe('a slice of the fuzz run', () => {
  it('finds nothing in the decoder', { timeout: 120_000 }, () => {
    const corpus = buildCorpus(SEED, 200);
    const checks = new DecoderChecks();
    const mutations = new Set<string>();
    for (let number = 0; number < 3_000; number++) {
      const request = mutateRequest(corpus, SEED, number);
      for (const name of request.mutations) mutations.add(name);
      checks.check(request, number % 4 === 0);
    }
    checks.emptyBatch();
    const { requests, malformed, accepted, rejected } = checks.counts;
    expect(requests).toBe(3_000);
    // Both ends are reached, often enough to mean something.
    expect(malformed).toBeGreaterThan(800);
    expect(accepted).toBeGreaterThan(800);
    expect(rejected).toBeGreaterThan(800);
    expect(mutations.size).toBeGreaterThan(35);
  });

  it('finds nothing in a running server', { timeout: 180_000 }, async () => {
    const options = { requests: 600, seed: SEED, endUnixMs: inAnHour(), findingsDirectory: directory };
    const { counts, findings } = await fuzzServer({ ...options, onProgress: () => undefined });
    expect(findings).toEqual([]);
    expect(counts.requests).toBe(600);
    expect(counts['HTTP 400']).toBeGreaterThan(100);
    expect(counts['HTTP 200']).toBeGreaterThan(20);
    expect(counts['gRPC 0']).toBeGreaterThan(5);
  });

  it('runs as a command that watches the decoder in a thread', { timeout: 120_000 }, async () => {
    const args = ['--part', 'decoder', '--requests', '1500', '--seed', '3', '--findings', directory];
    const { code, output } = await runCommand(args);
    expect(output).toContain('nothing found');
    expect(output).toContain('"requests":1500');
    expect(code).toBe(0);
  });
});

describe('the same seed', () => {
  it('makes the same requests, and another seed others', () => {
    const corpus = buildCorpus(1, 50);
    const draw = (seed: number) =>
      Array.from({ length: 50 }, (_, number) => mutateRequest(corpus, seed, number).bytes.toString('base64'));
    expect(draw(1)).toEqual(draw(1));
    expect(draw(2)).not.toEqual(draw(1));
    const attack = (number: number) => drawHttpAttack(corpus, 1, number, new Chance(1, number)).bytes;
    expect(attack(7)).toEqual(attack(7));
  });
});

describe('a fault', () => {
  it('is made small and written with what it takes to see it again', () => {
    const bytes = shrink(Buffer.from('what came before X what came after'), (b) => b.includes('X'));
    expect(bytes.toString()).toBe('X');
    const origin = {
      part: 'decoder' as const,
      seed: 5,
      number: 7,
      encoding: 'json',
      mutations: ['token lost'],
    };
    const path = writeFinding(join(directory, 'written'), new Finding('rows differ', 'here'), bytes, origin);
    expect(readFileSync(path, 'utf8')).toBe('X');
    expect(readdirSync(join(directory, 'written')).sort()).toEqual([
      'decoder-5-7-rows-differ.json',
      'decoder-5-7-rows-differ.txt',
    ]);
  });

  it('of the server is told apart: no answer, our fault, hung up', { timeout: 30_000 }, async () => {
    const attack = { name: 'x', bytes: Buffer.from('x'), ending: 'wait' as const, mustAnswer: true };
    const results = [];
    for (const answer of [undefined, 'HTTP/1.1 500 Oh\r\n\r\n', '']) {
      const server = await listen(answer);
      results.push(await sendHttpAttack(server.address, attack, answer === undefined ? 200 : 20_000));
      server.close();
    }
    expect(results).toEqual([
      { statuses: [], isHung: true },
      { statuses: [500], isHung: false },
      { statuses: [], isHung: false },
    ]);
  });

  it('ends the command with 1', { timeout: 60_000 }, async () => {
    const { code } = await runCommand(['--reproduce', join(directory, 'missing.bin')]);
    expect(code).toBe(1);
  });
});

/** Says `answer` to whoever talks, and hangs up; says nothing where there is none. */
async function listen(answer: string | undefined): Promise<{ address: string; close: () => Server }> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => {
      if (answer !== undefined) socket.end(answer);
    });
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as { port: number };
  return { address: `127.0.0.1:${port}`, close: () => server.close() };
}

function runCommand(args: string[]): Promise<{ code: number; output: string }> {
  const main = new URL('./main.ts', import.meta.url).pathname;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, ['--import', 'tsx', main, ...args], (_error, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}
