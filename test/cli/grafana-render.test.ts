/** `plumbline grafana render`: what it says, what it writes, and what its exit code is. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest';
import { createGrafanaCommand } from '../../src/cli/grafana.js';

const folder = mkdtempSync(join(tmpdir(), 'plumbline-render-'));
const out = join(folder, 'grafana');
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
  vi.restoreAllMocks();
});

async function render(...args: string[]): Promise<{ text: string; exitCode: typeof process.exitCode }> {
  const lines: string[] = [];
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => lines.push(String(text)) > 0);
  await createGrafanaCommand().parseAsync(['render', '--out', out, ...args], { from: 'user' });
  return { text: lines.join(''), exitCode: process.exitCode };
}

describe('plumbline grafana render', () => {
  it('writes everything into a folder that is not there yet, and says so', async () => {
    const { text, exitCode } = await render();
    expect(text).toMatch(/^added {5}README\.md\n/);
    expect(text).toMatch(/added {5}dashboards\/plumbline-overview\.json\n/);
    expect(text).toMatch(/\n0 files of .* were as they are\n$/);
    expect(exitCode).toBeUndefined();
    expect(existsSync(join(out, 'provisioning/datasources/plumbline.yaml'))).toBe(true);
  });

  it.each([
    ['a file', join(folder, 'file.txt'), /--out .*file\.txt is a file, or lies in one; name a folder/],
    ['a path within a file', join(folder, 'file.txt', 'x'), /is a file, or lies in one/],
  ])('says at once that %s is no folder', async (_, path, message) => {
    writeFileSync(join(folder, 'file.txt'), '');
    await expect(render('--out', path)).rejects.toThrow(message);
    await expect(render('--check', '--out', path)).rejects.toThrow(message);
  });

  it.skipIf(!existsSync('/proc/self'))('says at once that a folder cannot be made', async () => {
    await expect(render('--out', '/proc/nope/grafana')).rejects.toThrow(
      /--out \/proc\/nope\/grafana cannot be written \(ENOENT\); name a folder that you may write to/,
    );
  });

  it('--check ends with 0 where all is up to date', async () => {
    expect(await render('--check')).toEqual({ text: `${out} is up to date\n`, exitCode: undefined });
  });

  it('--check ends with 1, says what is stale, and writes nothing', async () => {
    writeFileSync(join(out, 'README.md'), 'edited');
    rmSync(join(out, 'dashboards/plumbline-overview.json'));
    writeFileSync(join(out, 'dashboards/plumbline-kpi-gone.json'), '{}');
    const { text, exitCode } = await render('--check');
    expect(text).toBe(
      [
        'missing   dashboards/plumbline-overview.json',
        'differs   README.md',
        'left over dashboards/plumbline-kpi-gone.json',
        `${out} is stale: run plumbline grafana render`,
        '',
      ].join('\n'),
    );
    expect(exitCode).toBe(1);
    expect(readFileSync(join(out, 'README.md'), 'utf8')).toBe('edited');
  });

  it('puts right what differs, and links runbooks and traces where they are said to be', async () => {
    const { text } = await render(
      '--docs-url',
      'https://docs.example.com/',
      '--trace-url',
      'https://traces.example.com/',
    );
    expect(text).toMatch(/removed {3}dashboards\/plumbline-kpi-gone\.json/);
    const board = readFileSync(join(out, 'dashboards/plumbline-kpi-response-time.json'), 'utf8');
    expect(board).toContain('https://docs.example.com/docs/runbooks/response_time.md');
    expect(board).toContain('"query": "https://traces.example.com/"');
  });

  it('refuses a catalogue with mistakes, and names them', async () => {
    const catalogue = mkdtempSync(join(folder, 'catalogue-'));
    mkdirSync(join(catalogue, 'kpis'));
    writeFileSync(join(catalogue, 'kpis', 'broken.yaml'), 'name: broken\ntitel: Broken\n');
    await expect(render('--catalogue', catalogue)).rejects.toThrow(/broken\.yaml:2: .*titel/);
  });
});
