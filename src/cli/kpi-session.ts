/**
 * What every `plumbline kpi` command needs: a connection, the KPIs as the server has them in force (metric_definitions, so
 * that catalogue files of this machine do not matter), and reads of many of them at once. Reads only.
 */
import { readConfig } from '../config.js';
import { isKnownFormula } from '../kpi/formula-text.js';
import { createKpiReader, type KpiReader } from '../kpi/kpi-reader.js';
import type { ClickHouse } from '../model/clickhouse.js';
import { UserError } from '../model/errors.js';
import type { Kpi } from '../model/kpi.js';
import { suggestName } from '../model/nearest-name.js';
import { readQuery } from '../store/sql-files.js';
import { FACTS } from '../store/views/metric-facts.js';
import { chooseUrl, connectTo } from './asked-server.js';
import { findCatalogueNotices } from './catalogue-notice.js';
import { explain } from './sql.js';
import { describeTerminal } from './terminal-table.js';
import { wrapBehind } from './terminal-width.js';

export interface KpiSession {
  clickhouse: ClickHouse;
  reader: KpiReader;
  /** In force, by name. */
  kpis: Kpi[];
}

/** A KPI that could be read, or why not. */
export type Answer<T> = { kpi: Kpi } & ({ read: T; error?: never } | { error: string; read?: never });

/** More would only wait for each other inside the engine. */
const READS_AT_ONCE = 4;

/**
 * Runs `work` with a connection and prints what it returns; first, on stderr, why the catalogue's files are not what is in
 * force, where they are not.
 */
export async function withSession(
  { url: wanted }: { url?: string },
  work: (session: KpiSession) => Promise<string>,
): Promise<void> {
  const config = readConfig(process.env);
  const url = chooseUrl(config, wanted);
  // Files and settings of this machine say nothing about a server that is named.
  const notices = wanted === undefined ? await findCatalogueNotices(config) : [];
  const { columns } = describeTerminal(process.stderr, process.env);
  for (const notice of notices)
    process.stderr.write(`${wrapBehind('notice: ', notice, columns).join('\n')}\n`);
  const clickhouse = await connectTo(url, config);
  try {
    const kpis = await readDefinitions(clickhouse);
    const reader = createKpiReader(clickhouse, FACTS, readQuery);
    process.stdout.write(await work({ clickhouse, reader, kpis }));
  } catch (error) {
    explain(error, url);
  } finally {
    await clickhouse.close();
  }
}

async function readDefinitions(clickhouse: ClickHouse): Promise<Kpi[]> {
  const rows = await clickhouse.query<{ definition: string; active: boolean | number }>(
    readQuery('kpi_definitions'),
  );
  const kpis = rows
    .filter(({ active, definition }) => Number(active) && definition !== '')
    .map(({ definition }) => parseDefinition(definition));
  if (kpis.length === 0)
    throw new UserError('no KPI is defined there yet: the server writes its catalogue when it starts');
  return kpis.sort((a, b) => (a.name < b.name ? -1 : 1));
}

export function parseDefinition(definition: string): Kpi {
  return { ...(JSON.parse(definition) as Omit<Kpi, 'file' | 'line'>), file: '', line: 0 };
}

/** The KPIs that are meant, in the order of their categories: all of them where none is named. */
export function chooseKpis(
  kpis: readonly Kpi[],
  names: readonly string[],
  category: string | undefined,
): Kpi[] {
  const known = kpis.map(({ name }) => name);
  for (const name of names) {
    if (!known.includes(name))
      throw new UserError(
        `there is no KPI ${name}${suggestName(name, known)}; "plumbline kpi list" shows them all`,
      );
  }
  const places = [...new Set(kpis.flatMap((kpi) => [kpi.category, placeOf(kpi)]))].sort();
  if (category !== undefined && !places.includes(category))
    throw new UserError(
      `no KPI has the category ${category}${suggestName(category, places)}; there are ${places.filter((place) => !place.includes('/')).join(', ')}`,
    );
  return kpis
    .filter(({ name }) => names.length === 0 || names.includes(name))
    .filter((kpi) => category === undefined || [kpi.category, placeOf(kpi)].includes(category))
    .sort((a, b) => (sortKey(a) < sortKey(b) ? -1 : 1));
}

export function chooseKpi(kpis: readonly Kpi[], name: string): Kpi {
  return chooseKpis(kpis, [name], undefined)[0]!;
}

export function placeOf({ category, subcategory }: Kpi): string {
  return `${category}/${subcategory}`;
}

function sortKey(kpi: Kpi): string {
  return `${placeOf(kpi)}/${kpi.name}`;
}

/** A server may be newer than the command that asks it. */
async function readKnown<T>(kpi: Kpi, read: (kpi: Kpi) => Promise<T>): Promise<T> {
  const unknown = kpi.sources.find(({ formula }) => !isKnownFormula(formula));
  if (unknown !== undefined)
    throw new Error(
      `this version does not know the formula ${unknown.formula.kind}; take that of the server`,
    );
  return read(kpi);
}

/** Reads KPIs a few at a time. One that fails is an answer too; the others go on. */
export async function readEach<T>(
  kpis: readonly Kpi[],
  read: (kpi: Kpi) => Promise<T>,
): Promise<Answer<T>[]> {
  const answers: Answer<T>[] = [];
  let next = 0;
  async function work(): Promise<void> {
    while (next < kpis.length) {
      const i = next++;
      const kpi = kpis[i]!;
      answers[i] = await readKnown(kpi, read).then(
        (value) => ({ kpi, read: value }),
        (error: Error) => ({ kpi, error: error.message }),
      );
    }
  }
  await Promise.all(Array.from({ length: READS_AT_ONCE }, work));
  return answers;
}
