/**
 * Checks stored points against the definitions of the KPIs that they feed: type, unit and valid range. Enters: minutes that
 * were rolled up; leaves: rows of flagged_points and how many points were checked. What was checked is in ClickHouse, so that
 * a restart neither skips nor doubles. Never touches a point: what KPIs leave out is decided by their own SQL.
 */
import type { ClickHouse } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import type { Kpi, MetricShape } from '../model/kpi.js';
import { type CheckSql, compileChecks } from './check-sql.js';

export interface DataCheckerOptions {
  clickhouse: ClickHouse;
  /** The KPIs in force, now. */
  readKpis: () => readonly Kpi[];
  /** Name of this receiver, the same after a restart: it checks the minutes that it rolled up. */
  receiver: string;
  /** Text of a file of clickhouse/queries. */
  readQuery: (name: string) => string;
  /** Time between two looks, milliseconds. */
  everyMs: number;
  /** Differs from before where minutes may have been rolled up since; without it every look asks ClickHouse. */
  readProgress?: () => number;
  nowUnixMs: () => number;
  onError: (error: Error) => void;
}

/** Points, since the start of this process. */
export interface Checked {
  valid: number;
  flagged: number;
}

export interface DataChecker extends Component {
  readChecked(): Promise<Checked>;
  /** Checks everything that was rolled up and not checked; for tests and orderly ends. */
  checkNow(): Promise<void>;
}

/** Minutes of one statement. */
const MINUTES_MAX = 1_000;
/** Series named in one statement: their names must stay well below max_query_size. */
const SERIES_MAX = 4_000;

interface DueMinute {
  shape: MetricShape;
  timeS: number;
  version: bigint;
  own: Counts;
  /** Of all receivers. */
  all: Counts;
}

interface Counts {
  points: number;
  flagged: number;
}

export function createDataChecker(options: DataCheckerOptions): DataChecker {
  const { clickhouse, receiver, readQuery } = options;
  const totals: Checked = { valid: 0, flagged: 0 };
  let compiled: { kpis: readonly Kpi[]; sql: CheckSql | undefined } | undefined;
  let timer: NodeJS.Timeout | undefined;
  /** Progress at the last look that worked. */
  let seen: number | undefined;
  let checking = Promise.resolve();
  let isStopping = false;

  function compile(): CheckSql | undefined {
    const kpis = options.readKpis();
    if (compiled?.kpis !== kpis) compiled = { kpis, sql: compileChecks(kpis) };
    return compiled.sql;
  }

  async function checkDue(): Promise<void> {
    while (!isStopping) {
      const due = await readDue();
      if (due.length === 0) return;
      const found = await check(due);
      await save(due, found);
      for (const minute of due) add(totals, minute.all, found(minute));
      if (due.length < MINUTES_MAX) return;
    }
  }

  async function readDue(): Promise<DueMinute[]> {
    const params = { receiver, limit: MINUTES_MAX };
    const rows = await clickhouse.query<Record<string, string>>(readQuery('check_due'), { params });
    return rows.map((row) => ({
      shape: row.shape as MetricShape,
      timeS: Number(row.time_s),
      version: BigInt(row.version!),
      own: { points: Number(row.own_points), flagged: Number(row.own_flagged) },
      all: { points: Number(row.all_points), flagged: Number(row.all_flagged) },
    }));
  }

  /** What is in these minutes now; what is flagged in them is written. */
  async function check(due: readonly DueMinute[]): Promise<(minute: DueMinute) => Counts> {
    const counts = new Map<string, Counts>();
    const keyOf = (shape: string, timeS: number) => `${shape} ${timeS}`;
    const sql = compile();
    if (sql !== undefined) {
      const times = paramsOf(due.map(({ timeS }) => timeS));
      const rows = await clickhouse.query<CountRow>(sql.count, { params: times });
      for (const row of rows)
        counts.set(keyOf(row.shape, Number(row.time_s)), { points: Number(row.points), flagged: 0 });
      const suspicious = rows.filter((row) => Number(row.has_suspects));
      for (const { shape, series, timesS } of await readSuspects(sql, suspicious)) {
        const params = { ...paramsOf(timesS), series, checked_at: formatTime(options.nowUnixMs()) };
        await clickhouse.command(sql.flag[shape], { params });
        const flagged = await clickhouse.query<{ time_s: string; flagged: string }>(sql.countFlagged, {
          params,
        });
        for (const row of flagged) {
          const minute = counts.get(keyOf(shape, Number(row.time_s)));
          if (minute !== undefined) minute.flagged += Number(row.flagged);
        }
      }
    }
    return ({ shape, timeS }) => counts.get(keyOf(shape, timeS)) ?? { points: 0, flagged: 0 };
  }

  /** By shape, as many series as one statement may name. */
  async function readSuspects(sql: CheckSql, rows: readonly CountRow[]): Promise<Suspects[]> {
    if (rows.length === 0) return [];
    const params = paramsOf(rows.map(({ time_s }) => Number(time_s)));
    const found = await clickhouse.query<{ shape: MetricShape; series: string[] }>(sql.suspects, { params });
    return found.flatMap(({ shape, series }) => {
      const timesS = rows.filter((row) => row.shape === shape).map(({ time_s }) => Number(time_s));
      const parts = Array.from({ length: Math.ceil(series.length / SERIES_MAX) }, (_, i) =>
        series.slice(i * SERIES_MAX, (i + 1) * SERIES_MAX).map(BigInt),
      );
      return parts.map((part) => ({ shape, series: part, timesS }));
    });
  }

  async function save(due: readonly DueMinute[], found: (minute: DueMinute) => Counts): Promise<void> {
    const grown = (minute: DueMinute, of: keyof Counts) =>
      Math.max(0, minute.own[of] + found(minute)[of] - minute.all[of]);
    const params = {
      receiver,
      shapes: due.map(({ shape }) => shape),
      times: due.map(({ timeS }) => timeS),
      versions: due.map(({ version }) => version),
      points: due.map((minute) => grown(minute, 'points')),
      flagged: due.map((minute) => grown(minute, 'flagged')),
    };
    await clickhouse.command(readQuery('check_done'), { params });
  }

  /** One check after the other. */
  function checkNow(): Promise<void> {
    const next = checking.then(checkDue);
    checking = next.catch(() => undefined);
    return next;
  }

  /** Asks nothing where nothing was rolled up since the last look that worked. */
  async function look(): Promise<void> {
    const progress = options.readProgress?.();
    if (progress !== undefined && progress === seen) return;
    await checkNow();
    seen = progress;
  }

  return {
    checkNow,
    readChecked: async () => ({ ...totals }),
    async start() {
      timer ??= setInterval(() => look().catch(options.onError), options.everyMs).unref();
    },
    async shutdown() {
      isStopping = true;
      clearInterval(timer);
      await checking;
    },
  };
}

/** Counters only grow: where a definition changed, what was counted before stays counted. */
function add(totals: Checked, before: Counts, now: Counts): void {
  const flagged = Math.max(0, now.flagged - before.flagged);
  totals.flagged += flagged;
  totals.valid += Math.max(0, now.points - before.points - flagged);
}

interface CountRow {
  shape: MetricShape;
  time_s: string;
  points: string;
  has_suspects: number | boolean;
}

interface Suspects {
  shape: MetricShape;
  series: bigint[];
  timesS: number[];
}

function paramsOf(timesS: readonly number[]): Record<string, unknown> {
  const sorted = [...new Set(timesS)].sort((a, b) => a - b);
  return { minutes: sorted, from: sorted[0], to: sorted.at(-1)! + 60 };
}

function formatTime(unixMs: number): string {
  return new Date(unixMs).toISOString().slice(0, 23).replace('T', ' ');
}
