/** The first queries of README.md, asked by `plumbline sql` of a server that has what the README's program sends. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, inject, it } from 'vitest';
import { readFence } from './markdown-fences.js';
import { node } from './node/toolchain.js';
import { fillIn, readSent, runSender } from './sender.js';

const { plain, secret, senderFolder } = inject('plumblines');
const program = new URL('../../dist/start.cjs', import.meta.url).pathname;

const queries = readFence('README.md', 'First queries', 'sql')
  .trim()
  .split(/\n\n/)
  .map((query) => ({ query, words: /^-- (.*)$/m.exec(query)![1]! }));

beforeAll(async () => {
  const command = await node.build('readme', readFence('README.md', 'Node', 'js'));
  const exported = readFence('README.md', 'Point your exporter here', 'sh');
  const service = `asked-${crypto.randomUUID()}`;
  const values = { protocol: 'http/protobuf', address: plain.http, secret, service } as const;
  await readSent(plain, service, await runSender(command, fillIn(exported, values), senderFolder));
});

describe("the README's first queries", () => {
  it.each(queries)('are answered: $words', async ({ query }) => {
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [
      program,
      'sql',
      '--url',
      `http://${plain.sql}`,
      '--format',
      'JSON',
      query,
    ]);
    expect(stderr).toBe('');
    const { meta } = JSON.parse(stdout) as { meta: { name: string }[] };
    expect(meta.length).toBeGreaterThan(1);
  });

  it('have what was sent among what arrives', async () => {
    const args = ['sql', '--url', `http://${plain.sql}`, '--format', 'JSONEachRow', queries[0]!.query];
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...args]);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows).toContainEqual(
      expect.objectContaining({ category: 'System Performance', subcategory: 'Response Times' }),
    );
  });
});
