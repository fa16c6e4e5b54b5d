/**
 * Where an export reads and an import writes: a server over HTTP, or a data directory whose server is stopped. Enters: options
 * and settings; leaves: an open ClickHouse and how to call it in texts (never with a password).
 */
import { readdir } from 'node:fs/promises';
import type { Config } from '../config.js';
import { openDataDirectory } from '../data-directory.js';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import { connectTo } from './asked-server.js';
import { explain } from './sql.js';

export interface Endpoint {
  clickhouse: ClickHouse;
  name: string;
  close(): Promise<void>;
}

export interface EndpointOptions {
  url?: string;
  dataDir?: string;
}

export async function openServer(url: string, config: Config): Promise<Endpoint> {
  const clickhouse = await connectTo(url, config, {
    cluster: url === config.clickhouseUrl ? config.clickhouseCluster : '',
  });
  const name = `${new URL(url).origin}/${config.clickhouseDatabase}`;
  return { clickhouse, name, close: () => clickhouse.close() };
}

/** Fails where a server works on it; the engine is loaded only here. */
export async function openDirectory(path: string, config: Config): Promise<Endpoint> {
  const directory = await openDataDirectory(path);
  try {
    const { openEmbeddedClickHouse } = await import('../store/embedded-driver.js');
    const clickhouse = await openEmbeddedClickHouse({
      directory: directory.clickhouse,
      database: config.clickhouseDatabase,
      temporaryDirectory: directory.temporary,
    });
    return {
      clickhouse,
      name: `${directory.path}/${config.clickhouseDatabase}`,
      async close() {
        await clickhouse.close();
        await directory.unlock();
      },
    };
  } catch (error) {
    await directory.unlock();
    throw error;
  }
}

/** Throws UserError where accepted points wait in the spool of a stopped server: they are in no table yet. */
export async function refuseWaitingPoints(dataDir: string): Promise<void> {
  const names = await readdir(`${dataDir}/spool`).catch(() => []);
  if (!names.some((name) => name.endsWith('.segment'))) return;
  throw new UserError(
    `${dataDir} has accepted points that are not stored yet (spool); start Plumbline on it once and stop it, then export`,
  );
}

/** What broke off, for the person at the keyboard, and that nothing of it is lost. */
export function explainBreak(error: unknown, url: string): never {
  try {
    explain(error, url);
  } catch (explained) {
    if (error instanceof ClickHouseError && error.type === 'NETWORK' && explained instanceof UserError)
      throw new UserError(`${explained.message}; give the same command again to go on where it was`);
    throw explained;
  }
  throw error;
}

export function refuseBoth({ url, dataDir }: EndpointOptions): void {
  if (url !== undefined && dataDir !== undefined) throw new UserError('give --url or --data-dir, not both');
}
