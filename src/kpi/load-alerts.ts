/**
 * alerts.yaml: who is told, and which rules are made. Enters: the built-in file and perhaps one of the user's that is laid
 * over it, key by key; leaves: an AlertsConfig that makes sense throughout, or one CatalogueError that lists everything wrong
 * with file, line and reason. Knows no KPIs.
 */
import { readFile } from 'node:fs/promises';
import type { AlertsConfig } from '../model/alerts.js';
import { UserError } from '../model/errors.js';
import { CatalogueError, type FileProblem } from '../model/file-problem.js';
import { suggestName } from '../model/nearest-name.js';
import { describePath, listProblems } from '../model/schema-problems.js';
import { readYaml, type YamlPath, type YamlSource } from '../model/yaml-source.js';
import { alertsSchema, knownAlertKeys, type RawAlerts } from './alerts-schema.js';
import { SEVERITIES } from './catalogue-schema.js';
import { readAlerts } from './read-alerts.js';

interface Layer {
  file: string;
  yaml: YamlSource;
}

export interface AlertsOptions {
  /** Later ones override earlier ones; all together must give every key. */
  files: readonly string[];
  /** Ids of the taxonomy's categories. */
  categories: readonly string[];
}

export async function loadAlerts({ files, categories }: AlertsOptions): Promise<AlertsConfig> {
  const texts = await Promise.all(
    files.map(async (file) => ({
      file,
      text: await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new UserError(`cannot read ${file} (${error.code ?? error.message})`);
      }),
    })),
  );
  return parseAlerts(texts, categories);
}

/** `file` is only named in messages; the first is the built-in one. */
export function parseAlerts(
  texts: readonly { file: string; text: string }[],
  categories: readonly string[],
): AlertsConfig {
  const layers: Layer[] = texts.map(({ file, text }) => ({ file, yaml: readYaml(text) }));
  refuse(layers.flatMap(findShapeProblems));
  const merged = layers.map(({ yaml }): unknown => yaml.value ?? {}).reduce(layOver);
  const parsed = alertsSchema.safeParse(merged);
  // Layers that are right each for themselves are right together: the same keys, some of them gone.
  if (!parsed.success) throw new Error(`alerts.yaml cannot be laid together: ${parsed.error.message}`);
  const place = (path: YamlPath) => placeOf(layers, path);
  const builtIn = layers[0]!.file;
  refuse([...findMissing(parsed.data, builtIn), ...findBrokenNames(parsed.data, categories, builtIn, place)]);
  return readAlerts(parsed.data);
}

function findShapeProblems({ file, yaml }: Layer): FileProblem[] {
  if (yaml.syntaxProblems.length > 0) return yaml.syntaxProblems.map((problem) => ({ file, ...problem }));
  const value = yaml.value ?? {};
  const known = knownAlertKeys(namesIn(value, 'contact_points'), namesIn(value, 'mute_timings'));
  return listProblems(alertsSchema.safeParse(value), [], known).map(({ path, key, reason }) => {
    const line = key === undefined ? yaml.lineOf(path) : yaml.lineOfKey(path, key);
    const at = path.length === 0 ? '' : `${describePath(path)}${key === undefined ? ' ' : ': '}`;
    return { file, line, reason: `${at}${reason}` };
  });
}

function namesIn(value: unknown, key: string): string[] {
  const held = (value as Record<string, unknown>)[key];
  return isMap(held) ? Object.keys(held) : [];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Maps key by key, null takes a key away, everything else takes the place of what was there. */
function layOver(lower: unknown, upper: unknown): unknown {
  if (!isMap(lower) || !isMap(upper)) return upper;
  const merged: Record<string, unknown> = { ...lower };
  for (const [key, value] of Object.entries(upper)) {
    if (value === null) delete merged[key];
    else merged[key] = layOver(merged[key], value);
  }
  return merged;
}

/** Where the value at a path of the whole was written: in the last file that has it. */
function placeOf(layers: readonly Layer[], path: YamlPath): { file: string; line: number } {
  const has = ({ yaml }: Layer) =>
    path.reduce<unknown>(
      (value, key) => (value as Record<string | number, unknown> | undefined)?.[key],
      yaml.value,
    ) !== undefined;
  const layer = layers.findLast(has) ?? layers.at(-1)!;
  return { file: layer.file, line: layer.yaml.lineOf(path) };
}

const REQUIRED: readonly YamlPath[] = [
  ['contact_points'],
  ...['fallback', 'group_by', 'group_wait', 'group_interval', 'repeat_interval'].map((key) => [
    'notification',
    key,
  ]),
  ...['delay', 'interval_min', 'keep_firing_for', 'missing_evaluations', 'on_error'].map((key) => [
    'evaluation',
    key,
  ]),
  ...['warning', 'critical', 'no_data', 'vanished_group', 'burn_page', 'burn_ticket', 'escalation'].flatMap(
    (rule) => ['enabled', 'severity', 'for'].map((key) => ['rules', rule, key]),
  ),
  ['rules', 'no_data', 'lookback'],
  ['rules', 'vanished_group', 'lookback'],
  ['rules', 'escalation', 'window_max'],
];

/** Only where a user took away what the built-in file gives. */
function findMissing(raw: RawAlerts, file: string): FileProblem[] {
  const read = (path: YamlPath) =>
    path.reduce<unknown>((value, key) => (value as Record<string | number, unknown> | undefined)?.[key], raw);
  return REQUIRED.filter((path) => read(path) === undefined).map((path) => ({
    file,
    line: 1,
    reason: `${describePath(path)} is missing; null took it away`,
  }));
}

/** Names of contact points, mute timings, categories and severities that do not exist. */
function findBrokenNames(
  raw: RawAlerts,
  categories: readonly string[],
  builtIn: string,
  place: (path: YamlPath) => { file: string; line: number },
): FileProblem[] {
  const problems: FileProblem[] = [];
  const contacts = Object.keys(raw.contact_points ?? {});
  const timings = Object.keys(raw.mute_timings ?? {});
  const check = (path: YamlPath, kind: string, name: string, known: readonly string[]) => {
    if (known.includes(name)) return;
    const reason = `${describePath(path)}: no ${kind} "${name}"${suggestName(name, known)}; there is ${known.join(', ') || 'none'}`;
    problems.push({ ...place(path), reason });
  };
  const checkAll = (path: YamlPath, kind: string, names: readonly string[], known: readonly string[]) => {
    for (const [i, name] of names.entries()) check([...path, i], kind, name, known);
  };
  for (const [i, name] of contacts.entries()) {
    const same = contacts.slice(0, i).find((each) => each.replaceAll('_', '-') === name.replaceAll('_', '-'));
    if (same === undefined) continue;
    const reason = `contact_points: ${same} and ${name} would be one in Grafana; give one of them another name`;
    problems.push({ ...place(['contact_points', name]), reason });
  }
  const fallback = raw.notification?.fallback;
  if (fallback != null) check(['notification', 'fallback'], 'contact point', fallback, contacts);
  for (const [i, route] of (raw.routes ?? []).entries()) {
    const at: YamlPath = ['routes', i];
    checkAll([...at, 'notify'], 'contact point', route.notify, contacts);
    checkAll([...at, 'mute'], 'mute timing', route.mute ?? [], timings);
    for (const [j, { notify }] of (route.escalate ?? []).entries()) {
      const path: YamlPath = [...at, 'escalate', j, 'notify'];
      checkAll(path, 'contact point', notify, contacts);
      for (const name of notify.filter((each) => route.notify.includes(each))) {
        const reason = `${describePath(path)}: ${name} is told at once by this route; name another contact point`;
        problems.push({ ...place(path), reason });
      }
    }
    const matched = (label: string) => [route.match[label] ?? []].flat().map(String);
    for (const value of matched('severity'))
      check([...at, 'match', 'severity'], 'severity', value, SEVERITIES);
    const categoryAt: YamlPath = [...at, 'match', 'category'];
    // Whoever has a taxonomy of other categories did not write the built-in routes, and nothing matches them.
    if (place(categoryAt).file === builtIn) continue;
    for (const value of matched('category')) check(categoryAt, 'category', value, categories);
  }
  return problems;
}

function refuse(problems: readonly FileProblem[]): void {
  if (problems.length === 0) return;
  throw new CatalogueError(
    problems.toSorted((a, b) => (a.file === b.file ? a.line - b.line : 0)),
    'alerts.yaml',
  );
}
