/**
 * An engine that stores what OTLP requests say, without sockets and spool, for tests that ask about series and KPIs.
 * Enters: messages; leaves: rows and rollups, on a clock of the test's choice. And KPIs from the text of a catalogue file.
 */
import { parse } from 'yaml';
import { createClassifier } from '../../src/classify/classifier.js';
import { loadTaxonomy } from '../../src/classify/taxonomy.js';
import { decodeJson } from '../../src/decode/json-decoder.js';
import { decodeProtobuf } from '../../src/decode/protobuf-decoder.js';
import { SeriesTable } from '../../src/decode/series-table.js';
import { kpiSchema } from '../../src/kpi/catalogue-schema.js';
import { readKpi } from '../../src/kpi/read-kpi.js';
import type { ClickHouse } from '../../src/model/clickhouse.js';
import type { Kpi } from '../../src/model/kpi.js';
import { PointBatch } from '../../src/model/point-batch.js';
import { defaultTaxonomyFile } from '../../src/pipeline.js';
import type { EmbeddedOptions } from '../../src/store/embedded-driver.js';
import type { Rollups } from '../../src/store/rollups.js';
import { type Encoding, LIMITS } from './decode-fixture.js';
import type { OtlpMessage } from './otlp-arbitrary.js';
import { stringAttribute, toProtobuf } from './otlp-message.js';
import { openScratchEngine } from './scratch-engine.js';
import { createRollups, storeBatch } from './stored-batches.js';

/** As a server has them by default: a year of points. */
const STORED_LIMITS = { ...LIMITS, pointAgeMaxMs: 400 * 86_400_000 };

export interface StoredMetrics {
  clickhouse: ClickHouse;
  rollups: Rollups;
  /** Stores a request; every point must be taken. */
  send(message: OtlpMessage): Promise<void>;
  /** The same of its bytes. */
  sendBytes(body: Uint8Array, encoding?: Encoding): Promise<void>;
  /** Rows, once everything is rolled up. */
  sql<Row extends object = Record<string, unknown>>(text: string): Promise<Row[]>;
  close(): Promise<void>;
}

/** `open` opens the engine; a single server where it is not given. */
export async function openStoredMetrics(
  nowMs: number,
  open?: (options: EmbeddedOptions) => Promise<ClickHouse>,
): Promise<StoredMetrics> {
  const engine = await openScratchEngine(open && { open });
  const { clickhouse } = engine;
  const rollups = createRollups(clickhouse, { receiver: 'receiver-a', nowUnixMs: () => nowMs });
  const classify = createClassifier(await loadTaxonomy(defaultTaxonomyFile()));
  const series = new SeriesTable({ classify, seed: 1, entriesMax: 100_000 });
  async function sendBytes(body: Uint8Array, encoding: Encoding = 'protobuf'): Promise<void> {
    const decode = encoding === 'protobuf' ? decodeProtobuf : decodeJson;
    const batch = new PointBatch();
    const { rejections } = decode(body, { batch, series, limits: STORED_LIMITS, nowUnixMs: nowMs });
    if (rejections.length > 0) throw new Error(JSON.stringify(rejections));
    await storeBatch(clickhouse, rollups, batch, nowMs);
  }
  return {
    clickhouse,
    rollups,
    sendBytes,
    send: (message) => sendBytes(toProtobuf(message)),
    async sql<Row extends object>(text: string) {
      await rollups.settle();
      return clickhouse.query<Row>(text);
    },
    close: engine.close,
  };
}

/** Metrics of one service in one scope. */
export function ofService(service: string, ...metrics: OtlpMessage[]): OtlpMessage {
  const resource = { attributes: [stringAttribute('service.name', service)] };
  return { resourceMetrics: [{ resource, scopeMetrics: [{ metrics }] }] };
}

/** KPIs of a file; keys that every KPI must have are filled in. */
export function kpisOf(yaml: string): Kpi[] {
  const required = { category: 'system_performance', subcategory: 'response_times', description: 'A KPI.' };
  const entries = [parse(yaml)].flat() as Record<string, unknown>[];
  return entries.map((entry) => {
    const whole = { ...required, title: entry.name, direction: 'lower_is_better', ...entry };
    return readKpi(kpiSchema.parse(whole), { file: 'test.yaml', line: 1, alertLine: () => 1 });
  });
}
