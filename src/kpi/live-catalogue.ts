/**
 * The catalogue while the server runs: loaded and published at the start, and again whenever a file of it changes or its
 * metrics come in a kind they never had. Enters: how to load and to publish; leaves: the catalogue in use. One that cannot
 * be used never takes the place of one that could.
 */
import { isAway } from '../model/clickhouse.js';
import type { Component } from '../model/component.js';
import type { Catalogue } from '../model/kpi.js';
import { describeKinds, type MetricKinds } from './metric-kinds.js';
import type { Published } from './publish-catalogue.js';

export interface LiveCatalogueOptions {
  /** As it was read before anything listened. */
  initial: Catalogue;
  load: () => Promise<Catalogue>;
  /** Something that changes whenever a file of the catalogue does. */
  readFingerprint: () => Promise<string>;
  readKinds: (catalogue: Catalogue) => Promise<MetricKinds>;
  /** Differs from before where series may have come that change the kinds; without it every look reads them. */
  readSeriesProgress?: () => string;
  /** Stops early when the signal says so: what is left is done at the next start. */
  publish: (catalogue: Catalogue, kinds: MetricKinds, signal: AbortSignal) => Promise<Published>;
  /** Time between two looks, milliseconds. */
  everyMs: number;
  log: { info(message: string): void; warn(message: string): void; error(message: string): void };
}

export interface LiveCatalogue extends Component {
  current(): Catalogue;
  /** Looks at the files now; never throws. */
  reload(): Promise<void>;
  /**
   * Why the files as they are now are not in force, or the views of KPIs are not up to date: one line, with file and line
   * where the files are wrong; undefined where all is well. It stays until a later look finds it mended. That ClickHouse is
   * away is not said here.
   */
  problem(): string | undefined;
  /** Whether definitions and views of `current` are in ClickHouse. */
  isPublished(): boolean;
  /** Resolves when they were published for the first time, or could not be. */
  whenPublished(): Promise<void>;
}

/** How the two kinds of `problem()` begin. */
export const CATALOGUE_PROBLEMS = {
  files: 'the files of the catalogue changed and cannot be used, the KPIs of before stay in force',
  publishing: 'KPIs cannot be published',
} as const;

export function createLiveCatalogue(options: LiveCatalogueOptions): LiveCatalogue {
  const { log } = options;
  let catalogue = options.initial;
  const stopping = new AbortController();
  let fingerprint = '';
  let kindsInUse = '';
  let seriesSeen: string | undefined;
  let isPublished = false;
  let first = Promise.resolve();
  let timer: NodeJS.Timeout | undefined;
  let look = Promise.resolve();
  const problems: Partial<Record<keyof typeof CATALOGUE_PROBLEMS, string>> = {};

  /** Logged once for as long as it stays the same. */
  function report(kind: keyof typeof CATALOGUE_PROBLEMS, error: unknown): void {
    // That ClickHouse is away is reported by others; what was wrong before may be wrong still.
    if (stopping.signal.aborted || isAway(error)) return;
    const problem = `${CATALOGUE_PROBLEMS[kind]}: ${(error as Error).message}`;
    if (problem !== problems[kind]) log.error(problem);
    problems[kind] = problem;
  }

  async function publishOf(next: Catalogue, kinds: MetricKinds): Promise<Published> {
    const published = await options.publish(next, kinds, stopping.signal);
    kindsInUse = describeKinds(kinds);
    return published;
  }

  async function publish(next: Catalogue): Promise<void> {
    const { added, changed, removed } = await publishOf(next, await options.readKinds(next));
    const parts = Object.entries({ added, changed, removed }).filter(([, names]) => names.length > 0);
    if (parts.length > 0)
      log.info(`KPIs ${parts.map(([what, names]) => `${what}: ${names.join(', ')}`).join('; ')}`);
    for (const warning of next.warnings) log.warn(warning);
    catalogue = next;
    isPublished = true;
  }

  async function publishFirst(): Promise<void> {
    try {
      fingerprint = await options.readFingerprint();
      await publish(catalogue);
    } catch (error) {
      // Whatever it was, the next look tries again.
      fingerprint = '';
      report('publishing', error);
    }
  }

  async function lookAgain(): Promise<void> {
    let next: Catalogue | undefined;
    let now = '';
    try {
      now = await options.readFingerprint();
      if (now !== fingerprint) next = await options.load();
      delete problems.files;
    } catch (error) {
      report('files', error);
    }
    try {
      if (next !== undefined) {
        await publish(next);
        fingerprint = now;
      }
      await followSeries();
      delete problems.publishing;
    } catch (error) {
      // The next look tries again.
      report('publishing', error);
    }
  }

  async function followSeries(): Promise<void> {
    const progress = options.readSeriesProgress?.();
    if (progress !== undefined && progress === seriesSeen && problems.publishing === undefined) return;
    const kinds = await options.readKinds(catalogue);
    if (describeKinds(kinds) !== kindsInUse) await publishOf(catalogue, kinds);
    seriesSeen = progress;
  }

  /** One look after the other, so that a later one always sees what was there when it was asked for. */
  function reload(): Promise<void> {
    look = look.then(lookAgain);
    return look;
  }

  return {
    current: () => catalogue,
    problem: () => (problems.files ?? problems.publishing)?.replaceAll(/\s*\n\s*/g, ' '),
    isPublished: () => isPublished,
    whenPublished: () => first,
    reload,
    // Points are taken and stored while it works.
    async start() {
      if (timer !== undefined) return;
      timer = setInterval(reload, options.everyMs).unref();
      first = look = publishFirst();
    },
    async shutdown() {
      stopping.abort();
      clearInterval(timer);
      await look;
    },
  };
}
