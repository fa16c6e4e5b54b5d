/** When points that wait in the spool are stored, as the settings say. Enters: the configuration; leaves: options of the drain. */
import type { Config } from './config.js';
import type { DrainOptions } from './store/drain.js';

/** Readers of the embedded engine store what waits before they read. Those of a server are not seen: they find the last turn. */
const INTERVAL_MS = { embedded: 15_000, server: 1_000 };
/** Points of a minute are stored so long before the minute is rolled up, milliseconds. */
const BEFORE_ROLLUP_MS = 500;

export function findDrainPace(config: Config): Pick<DrainOptions, 'intervalMs' | 'afterMinuteMs'> {
  const usual = config.clickhouseUrl === '' ? INTERVAL_MS.embedded : INTERVAL_MS.server;
  return {
    intervalMs: config.drainIntervalMs || usual,
    afterMinuteMs: Math.max(0, config.rollupDelayMs - BEFORE_ROLLUP_MS),
  };
}
