/**
 * Rollups after rows came in from elsewhere: buckets that know fewer points than the finer rows have are marked, as if those
 * points had just arrived. Readers look past marked buckets at once; whichever receiver starts or tidies next computes them
 * again. Enters: the pieces that came; leaves: rows in rollup_marks.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { MovedPiece } from './moved-tables.js';
import { formatTime } from './query-params.js';
import { SHAPES } from './rollup-marks.js';
import { readQuery } from './sql-files.js';

/** Under this name no receiver works, so that every one takes its marks over. */
export const MARKS_RECEIVER = 'import';
/** Marks are taken over from receivers that are silent for three hours (rollups.ts): these are older from the start. */
const MARKED_AGO_MS = 4 * 3_600_000;

const DAY_S = 86_400;

const STEPS = [
  { finer: 'points', coarser: '1m', seconds: 60 },
  { finer: '1m', coarser: '1h', seconds: 3_600 },
  { finer: '1h', coarser: '1d', seconds: 86_400 },
] as const;

/** A stretch of a finer table, on borders of the coarser one's buckets. */
interface Stretch {
  shape: string;
  step: (typeof STEPS)[number];
  fromS: number;
  toS: number;
}

/**
 * Marks what is behind in the time of these pieces; returns how many buckets of which size, in seconds, wait because of it.
 */
export async function markRollupGaps(
  clickhouse: ClickHouse,
  pieces: readonly MovedPiece[],
  nowUnixMs: number,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<Map<number, number>> {
  const version = String(BigInt(nowUnixMs - MARKED_AGO_MS) * 1000n);
  const stretches = listStretches(pieces);
  for (const [i, stretch] of stretches.entries()) {
    await markStretch(clickhouse, stretch, version);
    onProgress(i + 1, stretches.length);
  }
  const rows = await clickhouse.query<{ resolution_s: number; buckets: string }>(
    `SELECT resolution_s, count() AS buckets FROM rollup_marks FINAL
     WHERE waits AND receiver = {receiver:String} AND version = {version:UInt64} GROUP BY resolution_s`,
    { params: { receiver: MARKS_RECEIVER, version } },
  );
  return new Map(rows.map((row) => [Number(row.resolution_s), Number(row.buckets)]));
}

/** Each stretch once: a day that came in several pieces is one where minutes are compared with hours. */
function listStretches(pieces: readonly MovedPiece[]): Stretch[] {
  const stretches = new Map<string, Stretch>();
  for (const { table, fromS = 0, toS = 0 } of pieces) {
    const shape = SHAPES.find((known) => table.startsWith(`${known}_`));
    const step = STEPS.find(({ finer }) => table === `${shape}_${finer}`);
    if (shape === undefined || step === undefined) continue;
    const border = step.seconds === 60 ? 60 : DAY_S;
    const from = Math.floor(fromS / border) * border;
    const to = Math.ceil(toS / border) * border;
    stretches.set(`${table} ${from} ${to}`, { shape, step, fromS: from, toS: to });
  }
  return [...stretches.values()];
}

async function markStretch(clickhouse: ClickHouse, stretch: Stretch, version: string): Promise<void> {
  const { shape, fromS, toS } = stretch;
  const { finer, coarser, seconds } = stretch.step;
  const count = finer === 'points' ? 'count()' : 'sum(points)';
  await clickhouse.command(readQuery('rollup_gaps').replace('/*points of finer*/', count), {
    params: {
      shape,
      step_s: seconds,
      finer: `${shape}_${finer}`,
      coarser: `${shape}_${coarser}`,
      from: formatTime(fromS),
      to: formatTime(toS),
      receiver: MARKS_RECEIVER,
      version,
    },
    settings: {
      max_execution_time: 0,
      do_not_merge_across_partitions_select_final: 1,
      max_bytes_before_external_group_by: 1_000_000_000,
    },
  });
}
