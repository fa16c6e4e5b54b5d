/** What `plumbline kpi` says where the files of a catalogue are not what is in force. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findCatalogueNotices } from '../../src/cli/catalogue-notice.js';
import { readConfig } from '../../src/config.js';
import { CATALOGUE_PROBLEMS } from '../../src/kpi/live-catalogue.js';

const main = new URL('../../dist/start.cjs', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'plumbline-notice-'));
const file = join(folder, 'kpis', 'shop.yaml');
mkdirSync(join(folder, 'kpis'));
writeFileSync(file, 'name: checkout_time\nunti: s\n');
afterAll(() => rmSync(folder, { recursive: true }));

/** Notices where a server answers /readyz with this text; '': where none listens. */
async function noticesOf(readyz: string, env: Record<string, string> = {}): Promise<string[]> {
  const server = createServer((request, response) => response.end(request.url === '/readyz' ? readyz : ''));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  if (readyz === '') server.close();
  const notices = await findCatalogueNotices(readConfig({ PLUMBLINE_WEB_PORT: String(port), ...env }));
  server.close();
  return notices;
}

describe('notices of a catalogue', () => {
  it('are none where all is well', async () => {
    expect(await noticesOf('ready\n')).toEqual([]);
    expect(await noticesOf('')).toEqual([]);
  });

  it('are what the server says of its catalogue, and nothing else that it says', async () => {
    const problem = `${CATALOGUE_PROBLEMS.files}: the KPI catalogue has 1 problem: a.yaml:3: no\u001b[31m`;
    const readyz = `ready\nnotice: the disk is nearly full\nnotice: ${problem}\n`;
    expect(await noticesOf(readyz)).toEqual([problem.replace('\u001b', '·')]);
    expect(await noticesOf(readyz, { PLUMBLINE_CATALOGUE: folder })).toHaveLength(1);
  });

  it('are what is wrong with the files of PLUMBLINE_CATALOGUE where no server says anything', async () => {
    for (const readyz of ['', 'ready\n']) {
      const [notice, ...others] = await noticesOf(readyz, { PLUMBLINE_CATALOGUE: folder });
      expect(others).toEqual([]);
      expect(notice).toContain(`${CATALOGUE_PROBLEMS.files}: the KPI catalogue has `);
      expect(notice).toContain(`${file}:2: checkout_time: unknown key "unti" (did you mean "unit"?)`);
    }
  });

  it('come first where the server cannot be asked at all', () => {
    const env = {
      ...process.env,
      PLUMBLINE_CATALOGUE: folder,
      PLUMBLINE_SQL_PORT: '9',
      PLUMBLINE_WEB_PORT: '0',
    };
    const { status, stderr } = spawnSync(process.execPath, [main, 'kpi', 'status'], {
      env,
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^notice: the files of the catalogue .*kpis\/shop\.yaml:2: .*\nplumbline: nothing listens/,
    );
  });
});
