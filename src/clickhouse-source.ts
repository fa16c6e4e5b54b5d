/** Which ClickHouse this process works with: the server of CLICKHOUSE_URL, or the embedded engine, which is yet to be opened. */
import type { Config } from './config.js';
import type { DataDirectory } from './data-directory.js';
import type { ClickHouse } from './model/clickhouse.js';
import { createEmbeddedClickHouse } from './store/embedded-driver.js';
import { connectClickHouse } from './store/http-driver.js';

export interface ClickHouseSource {
  clickhouse: ClickHouse;
  /** Opens the embedded engine, once; it may be tried again where that failed. A server is connected to when it is asked. */
  open(): Promise<void>;
  /** Where it can be asked, without its password; undefined for the embedded engine. */
  url: string | undefined;
  /** Statements of the SQL port that were stopped and have not ended. */
  countStuck(): number;
}

const CLICKHOUSE_TIMEOUT_MS = 120_000;

/** @param onDead Called when the embedded engine has failed for good. */
export async function createClickHouse(
  config: Config,
  directory: DataDirectory,
  onDead: (error: Error) => void,
): Promise<ClickHouseSource> {
  const database = config.clickhouseDatabase;
  if (config.clickhouseUrl === '') {
    const clickhouse = createEmbeddedClickHouse({
      directory: directory.clickhouse,
      database,
      temporaryDirectory: directory.temporary,
      onDead,
    });
    let isOpen = false;
    async function open(): Promise<void> {
      if (!isOpen) await clickhouse.open();
      isOpen = true;
    }
    return { clickhouse, open, url: undefined, countStuck: () => clickhouse.stuckStatements };
  }
  const clickhouse = await connectClickHouse({
    url: config.clickhouseUrl,
    username: config.clickhouseUser,
    password: config.clickhousePassword,
    database,
    cluster: config.clickhouseCluster,
    requestTimeoutMs: CLICKHOUSE_TIMEOUT_MS,
  });
  return { clickhouse, open: async () => {}, url: hidePassword(config.clickhouseUrl), countStuck: () => 0 };
}

function hidePassword(url: string): string {
  const parsed = new URL(url);
  parsed.username = parsed.password = '';
  return parsed.toString();
}
