/**
 * A real embedded engine on a data directory of its own, with Plumbline's tables, for tests that ask it directly. Leaves nothing
 * behind. One engine at a time in a process.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import { type EmbeddedOptions, openEmbeddedClickHouse } from '../../src/store/embedded-driver.js';
import { applyMigrations } from '../../src/store/migrations.js';

export interface ScratchEngine {
  clickhouse: ClickHouse;
  /** Removed by close. */
  directory: string;
  close(): Promise<void>;
}

interface ScratchOptions {
  /** How the engine is opened; a single server where it is not given. */
  open?: (options: EmbeddedOptions) => Promise<ClickHouse>;
  engineXml?: NonNullable<EmbeddedOptions['engineXml']>;
}

/** An empty database. */
export async function openEmptyEngine({
  open = openEmbeddedClickHouse,
  ...options
}: ScratchOptions = {}): Promise<ScratchEngine> {
  const directory = mkdtempSync(join(tmpdir(), 'plumbline-engine-'));
  mkdirSync(join(directory, 'tmp'));
  const clickhouse = await open({
    directory: join(directory, 'clickhouse'),
    database: 'plumbline',
    temporaryDirectory: join(directory, 'tmp'),
    ...options,
  });
  return {
    clickhouse,
    directory,
    async close() {
      await clickhouse.close();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** The same with every table and view. */
export async function openScratchEngine(options?: ScratchOptions): Promise<ScratchEngine> {
  const engine = await openEmptyEngine(options);
  await applyMigrations(engine.clickhouse);
  return engine;
}
