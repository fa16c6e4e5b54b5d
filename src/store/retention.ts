/**
 * Retention as ClickHouse has it. Enters: what the file asks for; leaves: TTLs on every table of points and rollups, what
 * is in force (read back from them each time), and the plan of a change with the rows it would delete. At the start only
 * longer times are applied: nothing is ever deleted that nobody has seen in a plan and agreed to.
 */
import { createHash } from 'node:crypto';
import { type ClickHouse, ClickHouseError } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import { UserError } from '../model/errors.js';
import {
  describeDays,
  isLonger,
  type KeepRules,
  keepOf,
  longestRules,
  namesIn,
  type Resolution,
  type RetentionAccess,
  type RetentionChange,
  type RetentionConsent,
  type RetentionPlan,
  type RetentionPolicy,
  type RetentionReport,
} from '../model/retention.js';
import {
  countRows,
  deleteRows,
  modifyTtl,
  type ReadTable,
  readTables,
  waitForMutations,
} from './retention-tables.js';
import { buildExpired, isSame } from './retention-ttl.js';

export interface RetentionOptions {
  clickhouse: ClickHouse;
  /** What the file asks for, as it is now. */
  readPolicy: () => Promise<RetentionPolicy>;
  nowUnixMs: () => number;
  log: { info(message: string): void; warn(message: string): void; error(message: string): void };
}

export interface Retention extends Component, RetentionAccess {
  /** Rows of this resolution that are older may be gone, of some category at least. Infinity: none are. */
  shortestDays(resolution: Resolution): number;
}

/** ClickHouse judges by its clock what is too old, we by ours. */
const CLOCKS_APART_MAX_MS = 3_600_000;
/** A plan that was shown longer ago is shown again. */
const CONSENT_MAX_MS = 900_000;
const FOREVER: KeepRules = { default: 'forever', categories: {} };

export function createRetention(options: RetentionOptions): Retention {
  const { clickhouse, readPolicy, nowUnixMs, log } = options;
  const shortest = new Map<Resolution, number>();
  const stopping = new AbortController();
  let applying: Promise<unknown> = Promise.resolve();

  async function readInForce(): Promise<ReadTable[]> {
    const tables = await readTables(clickhouse);
    shortest.clear();
    for (const { resolution, rules, ttl } of tables) {
      const days = Object.values(rules?.categories ?? {}).concat(rules?.default ?? []);
      // Of a TTL that is not ours it is only known that it deletes.
      const known = rules === undefined && ttl !== '' ? 0 : Math.min(...days.map(toNumber));
      shortest.set(resolution, Math.min(known, shortest.get(resolution) ?? Number.POSITIVE_INFINITY));
    }
    return tables;
  }

  /** What makes TTLs unsafe to touch; undefined where nothing does. */
  async function findClockProblem(): Promise<string | undefined> {
    const [row] = await clickhouse.query<{ ms: string }>('SELECT toUnixTimestamp64Milli(now64(3)) AS ms');
    const apartMs = Math.abs(Number(row!.ms) - nowUnixMs());
    if (apartMs <= CLOCKS_APART_MAX_MS) return undefined;
    return (
      `the clocks of Plumbline and ClickHouse are ${Math.round(apartMs / 60_000)} minutes apart: ` +
      'times of retention are not touched until both are right'
    );
  }

  /** Longer times, and whatever the file says where nothing is stored yet. */
  async function applyLonger(): Promise<void> {
    const [policy, tables] = await Promise.all([readPolicy(), readInForce()]);
    for (const { table, rules, ttl } of tables) {
      if (rules === undefined)
        log.warn(`${table} has a TTL that is not Plumbline's and is left alone: ${ttl}`);
    }
    const clockProblem = await findClockProblem();
    if (clockProblem !== undefined) return log.warn(clockProblem);
    const isNew = tables.every(({ isEmpty }) => isEmpty);
    const wanted = (table: ReadTable) =>
      isNew ? policy[table.resolution] : longestRules(table.rules ?? FOREVER, policy[table.resolution]);
    const changed = tables.filter(
      (table) => table.rules !== undefined && !isSame(table.rules, wanted(table)),
    );
    for (const table of changed) await modifyTtl(clickhouse, table, wanted(table));
    if (changed.length > 0) {
      const done = listChanges(changed, (table) => wanted(table));
      log.info(`retention applied: ${describeChanges(done)}`);
    }
    const left = listChanges(await readInForce(), ({ resolution }) => policy[resolution]);
    if (left.length === 0) return;
    log.warn(
      `the file keeps some data for a shorter time than is in force (${describeChanges(left)}); nothing was deleted: ` +
        '"plumbline retention plan" shows what would be, "plumbline retention apply" does it',
    );
  }

  async function makePlan(
    plannedAtMs: number,
  ): Promise<{ plan: RetentionPlan; changed: ReadTable[]; policy: RetentionPolicy }> {
    const clockProblem = await findClockProblem();
    if (clockProblem !== undefined) throw new UserError(clockProblem);
    const [policy, tables] = await Promise.all([readPolicy(), readInForce()]);
    const changed = tables.filter(
      ({ rules, resolution }) => rules === undefined || !isSame(rules, policy[resolution]),
    );
    const deletions: RetentionPlan['deletions'] = [];
    for (const table of changed) {
      const expired = findExpired(table, policy);
      if (expired !== undefined)
        deletions.push(...(await countRows(clickhouse, table, { expired, nowUnixMs: plannedAtMs })));
    }
    const changes = listChanges(changed, ({ resolution }) => policy[resolution]);
    const replacesForeign = changed.filter(({ rules }) => rules === undefined).map(({ table }) => table);
    const shown = { changes, replacesForeign, deletions, plannedAtMs };
    return { plan: { ...shown, confirmation: digest(shown) }, changed, policy };
  }

  /** Where a time becomes shorter; lengthening deletes nothing. */
  function findExpired(table: ReadTable, policy: RetentionPolicy): string | undefined {
    const to = policy[table.resolution];
    const from = table.rules ?? FOREVER;
    const isShorter = namesIn(from, to).some((name) => isLonger(keepOf(from, name), keepOf(to, name)));
    return isShorter ? buildExpired(table, to, clickhouse.database) : undefined;
  }

  async function applyPlan({ plannedAtMs, confirmation }: RetentionConsent): Promise<RetentionPlan> {
    const ageMs = nowUnixMs() - plannedAtMs;
    if (!(ageMs >= 0 && ageMs <= CONSENT_MAX_MS)) {
      throw new UserError(
        'the plan was made too long ago to be applied; run "plumbline retention plan" again',
      );
    }
    const { plan, changed, policy } = await makePlan(plannedAtMs);
    if (plan.confirmation !== confirmation) {
      throw new UserError(
        'what would be deleted is no longer what was shown, nothing was changed; run "plumbline retention plan" again',
      );
    }
    for (const table of changed) {
      const isHit = plan.deletions.some((deletion) => deletion.table === table.table);
      const expired = findExpired(table, policy);
      if (isHit && expired !== undefined)
        await deleteRows(clickhouse, table, { expired, nowUnixMs: plannedAtMs });
      await modifyTtl(clickhouse, table, policy[table.resolution]);
      await waitForMutations(clickhouse, table, stopping.signal);
    }
    await readInForce();
    if (changed.length > 0) log.info(`retention applied: ${describeChanges(plan.changes)}`);
    return plan;
  }

  async function readReport(): Promise<RetentionReport> {
    const [policy, tables] = await Promise.all([readPolicy(), readInForce()]);
    const stored: RetentionReport['stored'] = [];
    for (const table of tables) {
      const rows = await countRows(clickhouse, table);
      stored.push(...rows.map((row) => ({ ...row, keep: keepOf(table.rules ?? FOREVER, row.category) })));
    }
    return {
      tables: tables.map(({ table, resolution, rules, ttl }) => ({ table, resolution, rules, ttl })),
      stored,
      changes: listChanges(tables, ({ resolution }) => policy[resolution]),
    };
  }

  return {
    shortestDays: (resolution) => shortest.get(resolution) ?? Number.POSITIVE_INFINITY,
    /** What ClickHouse refuses here must not keep points from being stored. */
    async start() {
      await applyLonger().catch((error: Error) => {
        if (error instanceof ClickHouseError && error.type === 'NETWORK') throw error;
        log.error(`the retention could not be applied: ${error.message}`);
      });
    },
    async shutdown() {
      stopping.abort();
      await applying.catch(() => undefined);
    },
    report: readReport,
    plan: async () => (await makePlan(Math.floor(nowUnixMs() / 1000) * 1000)).plan,
    apply(consent) {
      const applied = applying.catch(() => undefined).then(() => applyPlan(consent));
      applying = applied;
      return applied;
    },
  };
}

function toNumber(days: number | 'forever'): number {
  return days === 'forever' ? Number.POSITIVE_INFINITY : days;
}

/** Each once, however many tables it concerns. */
function listChanges(
  tables: readonly ReadTable[],
  wanted: (table: ReadTable) => KeepRules,
): RetentionChange[] {
  const changes = new Map<string, RetentionChange>();
  for (const table of tables) {
    const from = table.rules ?? FOREVER;
    const to = wanted(table);
    for (const category of namesIn(from, to)) {
      const change = {
        resolution: table.resolution,
        category,
        from: keepOf(from, category),
        to: keepOf(to, category),
      };
      if (change.from !== change.to) changes.set(JSON.stringify(change), change);
    }
  }
  return [...changes.values()];
}

function describeChanges(changes: readonly RetentionChange[]): string {
  return changes
    .map(
      ({ resolution, category, from, to }) =>
        `${resolution} of ${category} ${describeDays(from)} → ${describeDays(to)}`,
    )
    .join(', ');
}

/** Bytes are left out: merges change them without anything being added or lost. */
function digest({ deletions, ...shown }: Omit<RetentionPlan, 'confirmation'>): string {
  const rows = deletions.map(({ bytes: _, ...row }) => row);
  return createHash('sha256')
    .update(JSON.stringify({ ...shown, rows }))
    .digest('hex');
}
