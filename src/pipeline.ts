/**
 * The pipeline: wires every stage, in the order in which a point passes them. Enters: a Config; leaves: a running
 * server. Only this file, main.ts and cli/ join stages.
 *
 *   receive → decode → classify → spool ─▶ ack
 *                                   └▶ store → rollups → show
 */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { createActiveSeriesFile } from './active-series-file.js';
import { builtInCatalogue, catalogueFolders, defaultTaxonomyFile, docsFolders } from './catalogue-paths.js';
import { createClassifier } from './classify/classifier.js';
import { createMachineCounterTest } from './classify/machine-counters.js';
import { loadTaxonomy } from './classify/taxonomy.js';
import { createClickHouse } from './clickhouse-source.js';
import type { Config } from './config.js';
import { openDataDirectory } from './data-directory.js';
import { SeriesTable } from './decode/series-table.js';
import { WrittenExemplars } from './decode/written-exemplars.js';
import { createDiskSpace } from './disk-space.js';
import { createDrainLog, createStoredCounts } from './drain-log.js';
import { findDrainPace } from './drain-pace.js';
import { createHealth, type Health } from './health.js';
import { createHttpServer } from './http-server.js';
import { createIntake } from './intake.js';
import { readFingerprint } from './kpi/catalogue-fingerprint.js';
import { createDataChecker } from './kpi/data-checker.js';
import { createLiveCatalogue } from './kpi/live-catalogue.js';
import { loadCatalogue } from './kpi/load-catalogue.js';
import { readKinds } from './kpi/metric-kinds.js';
import { publishCatalogue } from './kpi/publish-catalogue.js';
import { formatAddress, type Listener, startListening } from './listeners.js';
import type { Address, Component } from './model/component.js';
import { createNotices } from './notices.js';
import { describeExposure, refuseOpenPorts } from './port-exposure.js';
import { createStatusReader } from './read-status.js';
import { createReaderAccess } from './reader-access.js';
import { createBearerCheck } from './receive/bearer-tokens.js';
import { createGrpcReceiver } from './receive/grpc-receiver.js';
import { createHttpReceiver } from './receive/http-receiver.js';
import { InflightBytes } from './receive/inflight-bytes.js';
import { RefusedSenders } from './receive/refused-senders.js';
import { readRetention } from './retention-source.js';
import { createSegmentSource } from './segment-source.js';
import { createSelfMetrics } from './self/self-metrics.js';
import { createSqlEndpoint } from './show/sql-endpoint.js';
import { createWebListener, type Status } from './show/web-server.js';
import { GroupCommit } from './spool/group-commit.js';
import { openSpool } from './spool/spool.js';
import { decodeSqlBody } from './sql-bodies.js';
import { createActiveSeriesReader } from './store/active-series.js';
import { createDrain } from './store/drain.js';
import { createRetention } from './store/retention.js';
import { Rollups } from './store/rollups.js';
import { readQuery } from './store/sql-files.js';
import { createStorage } from './store/storage.js';
import { FACTS } from './store/views/metric-facts.js';
import { openTransportSecurity } from './transport-security.js';

export { catalogueFolders, defaultTaxonomyFile };

export interface Pipeline extends Component {
  /** Opens the ports: points are taken and kept in the spool from then on. `start` does it where it was not done. */
  listen(): Promise<void>;
  /** Resolves when this process can do its work no more, with the reason; until then it waits. */
  failed: Promise<string>;
  /** Asks whether points can be taken, and whether everything works. */
  health: Pick<Health, 'findProblems'>;
  addresses(): Status['addresses'];
  readStatus(): Promise<Status>;
  /** Drains the spool, recomputes every waiting rollup and looks at the catalogue; for tests and orderly ends. */
  settle(): Promise<void>;
  /** Reads the files of certificates and tokens again now; what cannot be used is logged and changes nothing. */
  reload(): Promise<void>;
}

export interface PipelineOptions {
  config: Config;
  version: string;
  log: Logger;
  nowUnixMs: () => number;
}

/** Longest pause between two tries to reach ClickHouse, milliseconds. */
const RETRY_MAX_MS = 5_000;
const GROUP_POINTS_MAX = 100_000;
/** Series the table of series may know at least; with larger budgets as many as those allow. */
const SERIES_KNOWN_MAX = 4_000_000;
/** Twice as many exemplars are remembered at most, 32 bytes each. */
const EXEMPLARS_KNOWN_MAX = 500_000;
/** Active series are read this many times while a silent one still counts as active. */
const ACTIVE_SERIES_READS = 4;
/** How often rolled up minutes are checked against the definitions of KPIs. */
const CHECK_EVERY_MS = 10_000;
/** Exporters send every 10 to 60 s and should find their connection open. */
const KEEP_ALIVE_MS = 75_000;

export async function createPipeline(options: PipelineOptions): Promise<Pipeline> {
  const { config, log, nowUnixMs } = options;
  const onError = (error: Error) => log.error({ err: error }, 'unexpected error');
  const taxonomy = await loadTaxonomy(config.taxonomyFile || defaultTaxonomyFile());
  for (const warning of taxonomy.warnings) log.warn(warning);
  const folders = catalogueFolders(config);
  const loadKpis = () =>
    loadCatalogue({ folders, builtInFolder: builtInCatalogue(), categories: taxonomy.categories });
  const initial = await loadKpis();
  const readPolicy = () => readRetention(config, taxonomy.categories);
  // A mistake in the file shows before anything listens.
  await readPolicy();
  const security = await openTransportSecurity(config, log);
  refuseOpenPorts(config, security);
  const readerAccess = createReaderAccess({ config, roles: security.readers, log, nowUnixMs });
  const directory = await openDataDirectory(config.dataDir);
  let reportFailure = (_reason: string) => {};
  const failed = new Promise<string>((resolve) => {
    reportFailure = resolve;
  });
  const source = await createClickHouse(config, directory, ({ message }) => {
    health.failure = `the embedded ClickHouse has failed and cannot go on: ${message}`;
    reportFailure(health.failure);
  });
  const { clickhouse } = source;
  const spool = await openSpool({
    directory: directory.spool,
    bytesMax: config.spoolBytesMax,
    segmentBytesMax: config.spoolSegmentBytesMax,
    nowUnixMs: nowUnixMs(),
    onFull: () => drain.storeSoon(),
  });
  const disk = createDiskSpace({ directory: directory.path, freeBytesMin: config.diskFreeBytesMin });

  const series = new SeriesTable({
    classify: createClassifier(taxonomy),
    isMachineCounter: createMachineCounterTest(taxonomy),
    seed: randomBytes(4).readUInt32LE(),
    entriesMax: Math.max(SERIES_KNOWN_MAX, 2 * config.seriesMax),
    budgets: {
      perMetric: config.seriesPerMetricMax,
      perService: config.seriesPerServiceMax,
      total: config.seriesMax,
    },
  });
  const activeSeriesFile = createActiveSeriesFile(join(directory.path, 'active-series'));
  series.refresh(await activeSeriesFile.read());
  const writtenExemplars = new WrittenExemplars({
    seed: randomBytes(4).readUInt32LE(),
    entriesMax: EXEMPLARS_KNOWN_MAX,
  });
  const groupCommit = new GroupCommit({
    spool,
    delayMs: config.groupCommitMs,
    pointsMax: GROUP_POINTS_MAX,
    nowUnixMs,
    beforeSeries: activeSeriesFile.append,
    onSeriesLost: (rows) => series.forgetWritten(rows),
    writtenExemplars,
  });
  const intake = createIntake({
    spool,
    disk,
    groupCommit,
    series,
    limits: {
      attributeDepthMax: config.attributeDepthMax,
      attributesBytesMax: config.attributesBytesMax,
      pointFutureMaxMs: config.pointFutureMaxMs,
      pointAgeMaxMs: config.pointAgeMaxMs,
    },
    messagesMax: config.requestMessagesMax,
    nowUnixMs,
  });

  const retention = createRetention({ clickhouse, readPolicy, nowUnixMs, log });
  const rollups = new Rollups({
    clickhouse,
    receiver: directory.receiver,
    delayMs: config.rollupDelayMs,
    nowUnixMs,
    onError: (error) => log.warn({ err: error }, 'a rollup failed and is tried again'),
    keptDays: (source) => retention.shortestDays(source === 'points' ? 'raw' : source),
  });
  const catalogue = createLiveCatalogue({
    initial,
    load: loadKpis,
    readFingerprint: () => readFingerprint(folders),
    // Every minute too, for other receivers store series as well.
    readSeriesProgress: () => `${stored.series} ${Math.floor(nowUnixMs() / 60_000)}`,
    readKinds: ({ kpis }) => readKinds(clickhouse, readQuery, kpis),
    publish: (next, kinds, signal) =>
      publishCatalogue(next, { clickhouse, facts: FACTS, readQuery, nowUnixMs: nowUnixMs(), kinds, signal }),
    everyMs: config.reloadMs,
    log,
  });
  const checker = createDataChecker({
    clickhouse,
    readKpis: () => catalogue.current().kpis,
    receiver: directory.receiver,
    readQuery,
    ...{ everyMs: CHECK_EVERY_MS, readProgress: () => rollups.done, nowUnixMs },
    onError: (error) => log.warn({ err: error }, 'stored points cannot be checked; it is tried again'),
  });
  const self = createSelfMetrics({
    intervalMs: config.selfMetricsIntervalMs,
    receiver: directory.receiver,
    version: options.version,
    dataDirectory: directory.path,
    nowUnixMs,
    exportMetrics: intake.exportMetrics,
    readState: () => ({
      spoolBytes: spool.bytes,
      spoolBytesMax: config.spoolBytesMax,
      isSpoolFull: spool.isFull,
      rollupsWaiting: rollups.waiting,
      conflictingPoints: rollups.conflicts,
      activeSeries: series.size,
      seriesBudget: config.seriesMax,
      requestsRefused: inflight.refused,
      requestsUnauthenticated: security.tokens && refusedSenders.count,
    }),
    readChecked: checker.readChecked,
    onError: (error) => log.warn({ err: error }, error.message),
  });
  const sql =
    clickhouse.kind === 'embedded'
      ? createSqlEndpoint({
          ...readerAccess.sql,
          port: config.sqlPort,
          connectionsMax: config.sqlConnectionsMax,
          headersTimeoutMs: config.headersTimeoutMs,
          ...{ clickhouse, flush, readOnly: true, decodeWhole: decodeSqlBody },
        })
      : undefined;
  const health: Health = createHealth({
    spool,
    spoolDirectory: directory.spool,
    disk,
    readWriteFailure: intake.readWriteFailure,
    storage: { findProblem: () => storage.findProblem() },
    clickhouse,
    sql,
    catalogue,
    nowUnixMs,
  });
  const stored = createStoredCounts();
  const drain = createDrain({
    clickhouse,
    spool: createSegmentSource(spool, groupCommit, series, writtenExemplars),
    rollups,
    ...findDrainPace(config),
    ...{ retryMaxMs: RETRY_MAX_MS, nowUnixMs },
    log: health.watch(createDrainLog(log, stored, self, clickhouse.kind === 'embedded')),
  });

  const activeSeries = createActiveSeriesReader({
    clickhouse,
    activeMs: config.seriesActiveMs,
    everyMs: config.seriesActiveMs / ACTIVE_SERIES_READS,
    nowUnixMs,
    onRead: (active) => {
      series.refresh(active);
      activeSeriesFile.replace(series.listActive()).catch(() => {});
    },
    onError: (error) =>
      log.warn({ err: error }, 'the active series cannot be read; budgets go on as they are'),
  });

  const inflight = new InflightBytes(config.inflightBytesMax);
  const refusedSenders = new RefusedSenders({ warn: (message) => log.warn(message), nowUnixMs });
  const receive = {
    limits: config,
    inflight,
    exportMetrics: self.watch(intake.exportMetrics),
    onError,
    authorize: security.tokens && createBearerCheck(security.tokens),
    refusedSenders,
    tls: security.tls,
  };
  const grpc = createGrpcReceiver({
    ...receive,
    host: config.grpcHost,
    port: config.grpcPort,
    connectionsMax: config.connectionsMax,
    handshakeTimeoutMs: config.headersTimeoutMs,
    streamsMax: config.grpcStreamsMax,
    connectionIdleMs: config.grpcConnectionIdleMs,
    connectionAgeMs: config.grpcConnectionAgeMs,
  });
  const http = createHttpServer({
    host: config.httpHost,
    port: config.httpPort,
    ...{ keepAliveMs: KEEP_ALIVE_MS, limits: config },
    tls: security.tls,
    listener: createHttpReceiver({ ...receive, cors: security.cors }),
  });
  const findNotices = createNotices({ spool, stored, catalogue, source });
  const readStatus = createStatusReader({
    ...{ version: options.version, config, nowUnixMs, addresses, intake, stored, spool, rollups, series },
    ...{ inflight, refusedSenders, clickhouse, health, findNotices, flush },
    storage: { isReady: () => storage.isReady() },
  });
  const web = createHttpServer({
    host: config.webHost,
    port: config.webPort,
    ...{ keepAliveMs: KEEP_ALIVE_MS, limits: config },
    listener: createWebListener({
      ...{ health, findNotices, readStatus, retention, onError, access: readerAccess.web },
      docsFolders: docsFolders(config),
    }),
  });
  // Senders come first.
  const listeners: Listener[] = [
    { component: grpc, name: 'GRPC', host: config.grpcHost, port: config.grpcPort },
    { component: http, name: 'HTTP', host: config.httpHost, port: config.httpPort },
    { component: web, name: 'WEB', host: config.webHost, port: config.webPort },
    ...(sql ? [{ component: sql, name: 'SQL', host: config.sqlHost, port: config.sqlPort }] : []),
  ];
  const storage = createStorage({
    clickhouse,
    async open() {
      await source.open();
      await sql?.open();
    },
    workers: [retention, activeSeries, rollups, drain, catalogue, checker],
    isDiskFull: async () => (await disk.findProblem()) !== undefined,
    log,
  });
  let isListening = false;

  async function listen(): Promise<void> {
    if (isListening) return;
    isListening = true;
    await disk.findProblem();
    // First, so that it measures what an earlier process left in the spool too.
    await self.start();
    for (const listener of listeners) await startListening(listener);
    const exposure = describeExposure(config, security);
    if (exposure !== undefined) log.warn(exposure);
  }

  /** Resolves when everything works, or will as soon as ClickHouse can be reached or the disk has room. */
  async function start(): Promise<void> {
    await listen();
    await storage.start();
    if (storage.isReady()) await catalogue.whenPublished();
  }

  /** Stop taking, finish what was taken, release. What ClickHouse does not take in time stays in the spool. */
  async function shutdown(deadlineMs: number): Promise<void> {
    const endMs = nowUnixMs() + deadlineMs;
    health.isStopping = true;
    security.close();
    const left = () => Math.max(0, endMs - nowUnixMs());
    await Promise.all([grpc.shutdown(left() / 2), http.shutdown(left() / 2)]);
    intake.close();
    await self.shutdown(left() / 2);
    await groupCommit.flush();
    await storage.shutdown(left());
    await Promise.all([sql?.shutdown(left()), web.shutdown(left())]);
    await groupCommit.seal();
    await clickhouse.close();
    await directory.unlock();
  }

  /** Readers of a server are not seen: they find what the last turn stored. */
  async function flush(): Promise<boolean> {
    return clickhouse.kind !== 'embedded' || drain.flush(config.flushWaitMs);
  }

  async function settle(): Promise<void> {
    await groupCommit.flush();
    for (; !spool.isEmpty; await sleep(20)) await drain.flush(1_000);
    await rollups.settle();
    await catalogue.reload();
  }

  function addresses(): Status['addresses'] {
    const text = (component: { address(): Address }) => formatAddress(component.address());
    return {
      grpc: text(grpc),
      http: text(http),
      sql: sql ? text(sql) : source.url!,
      web: text(web),
    };
  }

  return {
    listen,
    start,
    shutdown,
    failed,
    health,
    addresses,
    readStatus,
    settle,
    reload: security.reload,
  };
}
