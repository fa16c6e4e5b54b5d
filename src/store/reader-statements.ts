/**
 * Statements of the read-only SQL port. Enters: a statement from outside; leaves: its answer. First it is checked
 * (statement-check.ts, allowed-settings.ts); then it runs in a session whose rights and settings are locked. Most answers are
 * small and come whole, in memory; one that is larger is asked again as a stream, or as one document on disk
 * (engine-statements.ts), whichever its format takes.
 */
import { ClickHouseError } from '../model/clickhouse.js';
import { allowUrlSettings } from './allowed-settings.js';
import type { CallSlots } from './call-slots.js';
import { type EngineCalls, leaveOnAbort } from './engine-calls.js';
import {
  type EngineStatement,
  explainDocumentLimit,
  type RunStatement,
  type StatementAnswer,
} from './engine-statements.js';
import { buildExternalTables } from './external-tables.js';
import type { ReadingSessions, WholeOutput } from './reading-sessions.js';
import { renderStatement } from './render-statement.js';
import { buildSetStatement, quoteIdentifier } from './session-settings.js';
import { checkStatement, readPlainSelect } from './statement-check.js';
import { type InspectedStatement, inspectStatement } from './statement-inspection.js';
import { readStatisticsTail } from './statement-statistics.js';
import type { StuckPlaces } from './stuck-places.js';

export interface ReaderOptions {
  database: string;
  sessions: ReadingSessions;
  calls: EngineCalls;
  /** Each statement that runs in memory blocks a thread of Node's pool. */
  slots: CallSlots;
  stuck: StuckPlaces;
  /** A statement of our own: its output as text. */
  ask: (sql: string) => Promise<string>;
  /** For answers that are too large for memory; the statement was checked. */
  runLarge: RunStatement;
}

/**
 * Answers within these come whole. Bytes are those of the engine's blocks, in which a constant counts once; memory bounds the
 * text that is made of them.
 */
const SMALL = {
  max_result_bytes: 4 * 1024 * 1024,
  max_result_rows: 50_000,
  max_memory_usage: 256 * 1024 * 1024,
} as const;
/** Threads for the text of an answer cost a quarter of a small statement, and gain nothing there. */
const FORMAT_HERE = 'SET output_format_parallel_formatting = 0';
/** What a question may spill to disk. */
const SPILLED_BYTES_MAX = 256 * 1024 * 1024;
/** How long the engine may be late with a time limit before the statement is given up, milliseconds. */
const LATE_MAX_MS = 10_000;
/** Readers change nothing. */
const NOTHING_WRITTEN = { writtenRows: 0, writtenBytes: 0 } as const;
const EMPTY: StatementAnswer = {
  format: 'Null',
  statistics: () => NOTHING_WRITTEN,
  next: async () => undefined,
  end: async () => {},
};

interface EngineFacts {
  tableFunctions: readonly string[];
  /** Value of every setting. */
  defaults: ReadonlyMap<string, string>;
}

export function createReader(options: ReaderOptions): RunStatement {
  const { database, ask, runLarge } = options;
  let facts: Promise<EngineFacts> | undefined;

  async function check(statement: EngineStatement, { tableFunctions, defaults }: EngineFacts) {
    const { sql, params = {}, defaults: ceilings = {} } = statement;
    const plain = readPlainSelect(sql, tableFunctions);
    if (plain) return { format: plain.format, inspected: undefined };
    const inspected = inspectStatement(await renderStatement(ask, sql));
    checkStatement(inspected, params, { tableFunctions, ceilings, database, defaults });
    return { format: inspected.format, inspected };
  }

  return async (statement) => {
    facts ??= readFacts(ask);
    facts.catch(() => {
      facts = undefined;
    });
    const known = await facts;
    const { defaults = {}, settings = {} } = statement;
    const allowed = {
      ...statement,
      settings: allowUrlSettings(settings, { ceilings: defaults, database, defaults: known.defaults }),
    };
    const { format = statement.format, inspected } = await check(statement, known);
    if (inspected?.kind === 'set') return EMPTY;
    const preparation = buildPreparation(allowed, inspected, database);
    const limited = limitTime(allowed, inspected);
    try {
      // What a session was given must be gone with the statement, and those of small answers are used again.
      if (!statement.externalTables?.length) {
        const small = await runSmall(limited, inspected, format, preparation, options);
        if (small !== undefined) return small;
      }
      const seen = inspected ?? inspectStatement(await renderStatement(ask, statement.sql));
      const large = await runLarge({ ...limited, inspected: seen, preparation });
      return { ...large, statistics: () => ({ ...large.statistics(), ...NOTHING_WRITTEN }) };
    } catch (error) {
      throw limited.explain(error);
    }
  };
}

/** Undefined where the answer is too large, or limits of the statement's own keep from trying. */
async function runSmall(
  statement: EngineStatement,
  inspected: InspectedStatement | undefined,
  format: string,
  preparation: readonly string[],
  { sessions, calls, slots, stuck }: ReaderOptions,
): Promise<StatementAnswer | undefined> {
  const { sql, signal, settings = {} } = statement;
  const isLimited = (name: string) => inspected?.settings.some((each) => each.name === name);
  if ('result_overflow_mode' in settings || ['result_overflow_mode', ...Object.keys(SMALL)].some(isLimited))
    return undefined;
  const limits = Object.entries(SMALL).map(([name, max]) => {
    const own = Number(settings[name] ?? statement.defaults?.[name] ?? 0);
    return { name, value: own > 0 ? Math.min(own, max) : max, isOwn: own > 0 && own <= max };
  });
  const limit = buildSetStatement(Object.fromEntries(limits.map(({ name, value }) => [name, value])), {});
  const end = calls.begin();
  const place = statement.isUrgent ? Promise.resolve(() => {}) : slots.acquire(signal);
  const release = await place.catch((error) => {
    end();
    throw error;
  });
  const work = sessions.run([FORMAT_HERE, ...preparation, limit].join(';\n'), sql, statement.format, signal);
  stuck.watch(work, signal, release);
  work.then(end, end);
  try {
    return wholeAnswer(await leaveOnAbort(work, signal), format);
  } catch (error) {
    const exceeded = findExceeded(error);
    if (exceeded === undefined) throw error;
    const { isOwn } = limits.find(({ name }) => name === exceeded)!;
    return isOwn ? explainDocumentLimit(error) : undefined;
  }
}

/** The limit that ended the statement. */
function findExceeded(error: unknown): keyof typeof SMALL | undefined {
  if (!(error instanceof ClickHouseError)) return undefined;
  if (error.code === MEMORY_LIMIT_EXCEEDED) return 'max_memory_usage';
  if (error.code !== TOO_MANY_ROWS_OR_BYTES) return undefined;
  return /max rows/.test(error.message) ? 'max_result_rows' : 'max_result_bytes';
}

const MEMORY_LIMIT_EXCEEDED = 241;
const TOO_MANY_ROWS_OR_BYTES = 396;

function wholeAnswer({ bytes, statistics }: WholeOutput, format: string): StatementAnswer {
  const all = { ...statistics, ...readStatisticsTail(format, bytes), ...NOTHING_WRITTEN };
  let isLeft = bytes.length > 0;
  return {
    format,
    statistics: () => all,
    async next() {
      if (!isLeft) return undefined;
      isLeft = false;
      return bytes;
    },
    end: async () => {},
  };
}

/** In the order that matters: limits, what the URL asks for, what the statement asks for. The lock comes after. */
function buildPreparation(
  statement: EngineStatement,
  inspected: InspectedStatement | undefined,
  database: string,
): string[] {
  const ground = {
    max_query_size: QUERY_BYTES_MAX,
    implicit_select: 0,
    max_temporary_data_on_disk_size_for_query: SPILLED_BYTES_MAX,
    ...statement.defaults,
  };
  // Set first, for a locked session takes a clause only where it changes nothing.
  const own = (inspected?.settings ?? [])
    .filter(({ isInner }) => !isInner)
    .map(({ name, value }) => `SET ${name} = ${value}`);
  return [
    `USE ${quoteIdentifier(statement.database ?? database)}`,
    buildSetStatement(ground, {}),
    buildSetStatement(statement.settings ?? {}, statement.params ?? {}),
    ...own,
    ...buildExternalTables(statement.externalTables ?? []),
  ].filter((text) => text !== undefined);
}

const QUERY_BYTES_MAX = 4 * 1024 * 1024;

/** The engine ends what takes too long between two blocks; one block that never ends is left alone. */
function limitTime(statement: EngineStatement, inspected: InspectedStatement | undefined) {
  const own = inspected?.settings.find(({ name, isInner }) => name === 'max_execution_time' && !isInner);
  const wanted =
    own?.value ?? statement.settings?.max_execution_time ?? statement.defaults?.max_execution_time;
  const limitS = Number(wanted ?? 0);
  if (!(limitS > 0)) return { ...statement, explain: (error: unknown) => error };
  const late = AbortSignal.timeout(limitS * 1000 + LATE_MAX_MS);
  const signal = statement.signal ? AbortSignal.any([statement.signal, late]) : late;
  const explain = (error: unknown) =>
    late.aborted && !statement.signal?.aborted
      ? new ClickHouseError(
          159,
          'TIMEOUT_EXCEEDED',
          `Timeout exceeded: the statement did not end ${LATE_MAX_MS / 1000} s after its limit of ${limitS} s and was given up`,
        )
      : error;
  return { ...statement, signal, explain };
}

async function readFacts(ask: (sql: string) => Promise<string>): Promise<EngineFacts> {
  const functions = await ask('SELECT name FROM system.table_functions');
  const settings = await ask('SELECT name, `default` FROM system.settings');
  return {
    tableFunctions: functions.trimEnd().split('\n'),
    defaults: new Map(
      settings
        .trimEnd()
        .split('\n')
        .map((line) => line.split('\t') as [string, string]),
    ),
  };
}
