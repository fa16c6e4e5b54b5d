/**
 * The Dockerfile, which cannot be built here: it copies what exists and what .dockerignore lets through, runs as a user
 * without rights, and says when it is healthy. Its health command is run against a real server of HTTP.
 */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { SETTINGS } from '../../src/settings.js';

const root = new URL('../../', import.meta.url);
const text = (path: string) => readFileSync(new URL(path, root), 'utf8');

/** Instructions, continued lines joined. */
const instructions = text('Dockerfile')
  .replaceAll(/^#.*\n/gm, '')
  .replaceAll(/\\\n\s*/g, ' ')
  .split('\n')
  .filter((line) => line !== '');
const valuesOf = (word: string) =>
  instructions.filter((line) => line.startsWith(`${word} `)).map((line) => line.slice(word.length + 1));
const last = instructions.slice(instructions.findLastIndex((line) => line.startsWith('FROM ')));
const manifest = JSON.parse(text('package.json')) as { files: string[]; engines: { node: string } };

describe('the Dockerfile', () => {
  const copied = valuesOf('COPY')
    .filter((copy) => !copy.startsWith('--from='))
    .flatMap((copy) => copy.split(' ').slice(0, -1));

  it('copies what exists, and what .dockerignore lets through', () => {
    expect(copied.length).toBeGreaterThan(8);
    expect(copied.filter((path) => !existsSync(new URL(path, root)))).toEqual([]);
    const ignore = text('.dockerignore')
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'));
    expect(ignore[0]).toBe('*');
    const through = ignore.slice(1).map((line) => line.replace(/^!/, ''));
    expect([...new Set(copied)].sort()).toEqual(through.sort());
  });

  it('has everything that the package has at run time', () => {
    const there = last.filter((line) => line.startsWith('COPY ')).join(' ');
    const needed = manifest.files.filter((name) => !/\.md$/.test(name));
    expect(needed.filter((name) => !there.includes(name))).toEqual([]);
    expect(there).toContain('node_modules');
  });

  it('starts from one pinned image, of a Node that Plumbline runs on', () => {
    const [, version] = /^NODE_IMAGE=node:(\d+)\.\d+\.\d+-\w+-slim$/.exec(valuesOf('ARG')[0]!)!;
    expect(Number(version)).toBeGreaterThanOrEqual(
      Number.parseInt(manifest.engines.node.replace('>=', ''), 10),
    );
    const stages = valuesOf('FROM').map((from) => from.replace(/\$\{(\w+)\}/, '$1'));
    expect(stages).toEqual(['NODE_IMAGE AS build', 'NODE_IMAGE']);
  });

  it('runs as a user without rights, which owns its data', () => {
    const user = last.findIndex((line) => /^USER [1-9]\d*:[1-9]\d*$/.test(line));
    expect(user).toBeGreaterThan(0);
    expect(last.slice(user).filter((line) => line.startsWith('RUN '))).toEqual([]);
    const directory = /PLUMBLINE_DATA_DIR=(\S+)/.exec(last.join(' '))![1]!;
    expect(last).toContain(`VOLUME ${directory}`);
    expect(last.join(' ')).toContain(`install -d -o node -g node ${directory}`);
  });

  it('sets settings that exist, listens to everybody inside of its container, and exposes its ports', () => {
    const known = Object.values(SETTINGS).map(({ env }) => env as string);
    const set = [...last.join(' ').matchAll(/\b((?:PLUMBLINE|CLICKHOUSE)_\w+)=/g)].map(([, name]) => name!);
    expect(set.filter((name) => !known.includes(name))).toEqual([]);
    expect(last.join(' ')).toContain('PLUMBLINE_HOST=0.0.0.0');
    const ports = [SETTINGS.grpcPort, SETTINGS.httpPort, SETTINGS.webPort, SETTINGS.sqlPort].map(
      (port) => port.default,
    );
    expect(valuesOf('EXPOSE')[0]!.split(' ').map(Number).sort()).toEqual([...ports].sort());
  });

  it('starts the program itself, so that a signal to stop reaches it', () => {
    expect(last).toContain('ENTRYPOINT ["node", "/app/dist/start.cjs"]');
    expect(last).toContain('CMD ["serve"]');
    expect(text('package.json')).toContain('"dist/start.cjs"');
  });

  it('is healthy as long as /healthz of the page says so', async () => {
    const [, list] = /^--\S+ .*?CMD (\[.*\])$/.exec(valuesOf('HEALTHCHECK')[0]!)!;
    const [program, ...args] = JSON.parse(list!) as string[];
    expect(program).toBe('node');
    let status = 200;
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      response.writeHead(status).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const port = String((server.address() as AddressInfo).port);
    const run = () =>
      new Promise((done) =>
        spawn(process.execPath, args, { env: { PLUMBLINE_WEB_PORT: port } }).once('exit', (code) =>
          done(code),
        ),
      );
    expect(await run()).toBe(0);
    status = 503;
    expect(await run()).toBe(1);
    expect(asked).toEqual(['/healthz', '/healthz']);
    await new Promise((done) => server.close(done));
    expect(await run()).toBe(1);
  });
});
