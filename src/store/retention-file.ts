/**
 * retention.yaml: how long each category is kept at each resolution. Enters: the built-in file and perhaps one of the
 * user's that is laid over it, cell by cell; leaves: a RetentionPolicy, or one UserError that lists everything wrong with
 * file, line and reason. Applies nothing.
 */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { UserError } from '../model/errors.js';
import { suggestName } from '../model/nearest-name.js';
import {
  type Days,
  DEFAULT_CATEGORY,
  describeDays,
  isLonger,
  RESOLUTIONS,
  type Resolution,
  type RetentionPolicy,
} from '../model/retention.js';
import { listProblems, mustBe } from '../model/schema-problems.js';
import { readYaml, type YamlSource } from '../model/yaml-source.js';

/** UCUM's month and year, as everywhere in the catalogue; what is no whole day is rounded up. */
const DAYS = { d: 1, w: 7, mo: 30.4375, y: 365.25 } as const;
const YEARS_MAX = 50;
const DAYS_MAX = Math.ceil(YEARS_MAX * DAYS.y);
const WANTED = 'a duration such as 30d, 8w, 13mo or 5y, or forever';

/** A category of the taxonomy: files name its id, series are stored under its title. */
export interface RetainedCategory {
  id: string;
  title: string;
}

/** What no rule of the taxonomy places. */
const UNCLASSIFIED: RetainedCategory = { id: 'unclassified', title: 'unclassified' };

/** A time as a file gives it, and where. */
interface Cell {
  days: Days;
  /** Which of the files: later ones override earlier ones. */
  layer: number;
  file: string;
  line: number;
}

type Cells = Map<string, Partial<Record<Resolution, Cell>>>;

interface FileProblem {
  file: string;
  line: number;
  reason: string;
}

/** `files`: later ones override earlier ones; the first must give every time of `default`. */
export async function loadRetention(
  files: readonly string[],
  categories: readonly RetainedCategory[],
): Promise<RetentionPolicy> {
  const texts = await Promise.all(
    files.map(async (file) => ({
      file,
      text: await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
        throw new UserError(`cannot read ${file} (${error.code ?? error.message})`);
      }),
    })),
  );
  return parseRetention(texts, categories);
}

/** `file` is only named in messages. */
export function parseRetention(
  texts: readonly { file: string; text: string }[],
  categories: readonly RetainedCategory[],
): RetentionPolicy {
  const known = [...categories, UNCLASSIFIED];
  const problems: FileProblem[] = [];
  const cells: Cells = new Map();
  for (const [layer, source] of texts.entries()) {
    readCells(
      { ...source, layer },
      known.map(({ id }) => id),
      cells,
      problems,
    );
  }
  refuse(problems);
  checkDefaults(cells, texts[0]!.file, problems);
  refuse(problems);
  checkOrder(cells, problems);
  refuse(problems);
  return buildPolicy(cells, known);
}

function readCells(
  { file, text, layer }: { file: string; text: string; layer: number },
  categories: readonly string[],
  cells: Cells,
  problems: FileProblem[],
): void {
  const yaml = readYaml(text);
  problems.push(...yaml.syntaxProblems.map((problem) => ({ file, ...problem })));
  if (yaml.syntaxProblems.length > 0) return;
  const parsed = fileSchema.safeParse(yaml.value ?? {});
  const known = {
    '': Object.keys(fileSchema.shape),
    default: RESOLUTIONS,
    ...Object.fromEntries(Object.keys(parsed.data?.categories ?? {}).map((name) => [name, RESOLUTIONS])),
    ...Object.fromEntries(categories.map((name) => [name, RESOLUTIONS])),
  };
  for (const { path, key, reason } of listProblems(parsed, [], known)) {
    const line = key === undefined ? yaml.lineOf(path) : yaml.lineOfKey(path, key);
    const place = path.length === 0 || key !== undefined ? '' : `${path.join('.')} `;
    problems.push({ file, line, reason: `${place}${reason}` });
  }
  for (const name of namesOfCategories(yaml)) {
    if (categories.includes(name)) continue;
    const reason = `no category "${name}"${suggestName(name, categories)}`;
    problems.push({ file, line: yaml.lineOfKey(['categories'], name), reason });
  }
  if (!parsed.success) return;
  const { default: defaults = {}, categories: named = {} } = parsed.data;
  layCells(cells, DEFAULT_CATEGORY, defaults, (key) => ({
    layer,
    file,
    line: yaml.lineOf(['default', key]),
  }));
  for (const [name, times] of Object.entries(named)) {
    layCells(cells, name, times, (key) => ({ layer, file, line: yaml.lineOf(['categories', name, key]) }));
  }
}

function namesOfCategories(yaml: YamlSource): string[] {
  const { categories } = (yaml.value ?? {}) as { categories?: unknown };
  const isMap = typeof categories === 'object' && categories !== null && !Array.isArray(categories);
  return isMap ? Object.keys(categories) : [];
}

function layCells(
  cells: Cells,
  name: string,
  times: Partial<Record<Resolution, Days | undefined>>,
  place: (key: Resolution) => Omit<Cell, 'days'>,
): void {
  const row = cells.get(name) ?? {};
  for (const resolution of RESOLUTIONS) {
    const days = times[resolution];
    if (days !== undefined) row[resolution] = { days, ...place(resolution) };
  }
  cells.set(name, row);
}

function checkDefaults(cells: Cells, file: string, problems: FileProblem[]): void {
  const missing = RESOLUTIONS.filter((resolution) => cells.get(DEFAULT_CATEGORY)?.[resolution] === undefined);
  if (missing.length > 0)
    problems.push({ file, line: 1, reason: `default.${missing.join(', default.')} is missing` });
}

/** Each of them is made from the one before, and stands for it once that is gone. */
const FINE_TO_COARSE = ['raw', '1m', '1h', '1d'] as const;

function checkOrder(cells: Cells, problems: FileProblem[]): void {
  for (const name of cells.keys()) {
    for (const [i, coarser] of FINE_TO_COARSE.entries()) {
      const finer = FINE_TO_COARSE[i - 1];
      if (finer === undefined) continue;
      const [fine, coarse] = [finer, coarser].map((resolution) => findCell(cells, name, resolution));
      if (!isLonger(fine!.days, coarse!.days)) continue;
      // The one to look at: what this category says itself, in the file that was laid on last.
      const own = [cells.get(name)![coarser], cells.get(name)![finer]].filter((cell) => cell !== undefined);
      const [cell] = own.toSorted((a, b) => b.layer - a.layer);
      if (cell === undefined) continue;
      const reason =
        `${name}: ${finer} is kept ${describeDays(fine!.days)} and ${coarser} only ${describeDays(coarse!.days)}; ` +
        `give ${coarser} at least ${describeDays(fine!.days)}, it has to stand for ${finer}`;
      problems.push({ file: cell.file, line: cell.line, reason });
    }
  }
}

function findCell(cells: Cells, name: string, resolution: Resolution): Cell {
  return cells.get(name)?.[resolution] ?? cells.get(DEFAULT_CATEGORY)![resolution]!;
}

function buildPolicy(cells: Cells, categories: readonly RetainedCategory[]): RetentionPolicy {
  const rules = RESOLUTIONS.map((resolution) => {
    const { days } = findCell(cells, DEFAULT_CATEGORY, resolution);
    const named = categories
      .map(({ id, title }) => [title, findCell(cells, id, resolution).days] as const)
      .filter(([, own]) => own !== days);
    return [resolution, { default: days, categories: Object.fromEntries(named) }] as const;
  });
  return Object.fromEntries(rules) as unknown as RetentionPolicy;
}

const days = z.string(mustBe(WANTED)).transform((text, context): Days => {
  if (text.trim() === 'forever') return 'forever';
  const [, number, unit] = /^(\d+(?:\.\d+)?)(d|w|mo|y)$/.exec(text.trim()) ?? [];
  const parsed =
    number === undefined ? Number.NaN : Math.ceil(Number(number) * DAYS[unit as keyof typeof DAYS]);
  if (parsed >= 1 && parsed <= DAYS_MAX) return parsed;
  const message = Number.isNaN(parsed)
    ? `must be ${WANTED}, not ${JSON.stringify(text)}`
    : `must be from 1d to ${YEARS_MAX}y or forever, not ${text}`;
  context.addIssue({ code: 'custom', message });
  return z.NEVER;
});

const times = z.strictObject(
  {
    raw: days.optional(),
    exemplars: days.optional(),
    '1m': days.optional(),
    '1h': days.optional(),
    '1d': days.optional(),
  },
  mustBe(`a map of times, for example { raw: 30d }`),
);

const fileSchema = z.strictObject(
  {
    default: times.optional(),
    categories: z.record(z.string(), times, mustBe('a map of categories')).optional(),
  },
  mustBe('a map with default and categories'),
);

function refuse(problems: readonly FileProblem[]): void {
  if (problems.length === 0) return;
  const lines = problems
    .toSorted((a, b) => a.line - b.line)
    .map(({ file, line, reason }) => `  ${file}:${line}: ${reason}`);
  const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
  throw new UserError(`the retention has ${count}:\n${lines.join('\n')}`);
}
