/**
 * What push, diff and import share: which Grafana, with which token, against which catalogue, and which kinds of things. Enters:
 * options; leaves: a client, what is rendered, what Grafana has, and the plan between both.
 */
import { type Command, InvalidArgumentError } from 'commander';
import { makePlan, type Plan } from '../grafana/api/plan.js';
import { type FoundState, KINDS, type Kind, type WantedState } from '../grafana/api/resources.js';
import { readWanted } from '../grafana/api/wanted.js';
import { renderGrafana } from '../grafana/render.js';
import { DATASOURCE_UID } from '../grafana/uids.js';
import { UserError } from '../model/errors.js';
import type { Kpi } from '../model/kpi.js';
import { suggestName } from '../model/nearest-name.js';
import { loadGrafanaCatalogue, withCatalogueOptions } from './grafana-catalogue.js';
import { createGrafanaClient, type GrafanaClient, readToken } from './grafana-client.js';
import { readState } from './grafana-state.js';

export interface ComparisonOptions {
  url?: string;
  tokenFile?: string;
  catalogue: string[];
  docsUrl: string;
  traceUrl: string;
  only: Kind[];
}

export interface Comparison {
  client: GrafanaClient;
  kpis: readonly Kpi[];
  wanted: WantedState;
  found: FoundState;
  plan: Plan;
}

export function withComparisonOptions(command: Command): Command {
  const asked = command
    .option('--url <url>', 'address of Grafana (default: GRAFANA_URL)')
    .option(
      '--token-file <path>',
      'file with the token of a service account (default: the token in GRAFANA_TOKEN)',
    )
    .option('--only <kinds...>', `some kinds of things alone: ${KINDS.slice(1).join(', ')}`, addKind, []);
  return withCatalogueOptions(asked);
}

function addKind(text: string, kinds: Kind[]): Kind[] {
  const wanted = text.split(',').filter((kind) => kind !== '');
  for (const kind of wanted)
    if (!KINDS.includes(kind as Kind))
      throw new InvalidArgumentError(`There is no kind ${kind}${suggestName(kind, KINDS)}.`);
  return [...kinds, ...(wanted as Kind[])];
}

export async function compareWithGrafana(options: ComparisonOptions): Promise<Comparison> {
  const url = options.url ?? process.env.GRAFANA_URL ?? '';
  if (url === '')
    throw new UserError('there is no Grafana to ask: give its address with --url, or set GRAFANA_URL');
  const client = createGrafanaClient({ url, token: await readToken(options.tokenFile, process.env) });
  const { kpis, options: rendering } = await loadGrafanaCatalogue({
    ...options,
    catalogues: options.catalogue,
  });
  const wanted = readWanted(renderGrafana(kpis, rendering), process.env);
  // Everything else is in the folder.
  const kinds =
    options.only.length === 0
      ? KINDS
      : KINDS.filter((kind) => kind === 'folder' || options.only.includes(kind));
  const found = await readState(client, wanted, kinds);
  const plan = makePlan(wanted, found, kinds);
  if (!(await hasDatasource(client)))
    plan.warnings.push(
      `there is no datasource with the uid ${DATASOURCE_UID}: panels and rules have nothing to ask until there is one`,
    );
  return { client, kpis, wanted, found, plan };
}

/** Who may not know is not told. */
async function hasDatasource(client: GrafanaClient): Promise<boolean> {
  return client.get(`/api/datasources/uid/${DATASOURCE_UID}`).then(
    (datasource) => datasource !== undefined,
    () => true,
  );
}
