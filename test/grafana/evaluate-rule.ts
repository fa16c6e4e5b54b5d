/**
 * An alert rule as Grafana evaluates it: the datasource expands the macros of A and answers with a table, which becomes a number
 * for each row, with the texts as its labels; B reduces them, C compares. Enters: a rule of a file and somebody who answers SQL;
 * leaves: what fires. `for` and routing are Grafana's own.
 */
import type { RuleFile } from '../../src/grafana/alerting/file-format.js';
import { expandMacros } from './expand-macros.js';

export interface Instance {
  labels: Record<string, string>;
  value: number;
  isFiring: boolean;
}

type Row = Record<string, unknown>;

const COMPARE: Record<string, (value: number, limit: number) => boolean> = {
  gt: (value, limit) => value > limit,
  gte: (value, limit) => value >= limit,
  lt: (value, limit) => value < limit,
  lte: (value, limit) => value <= limit,
};

/** What the rule's query is at a moment. */
export function sqlAt({ data }: RuleFile, nowMs: number): string {
  const { relativeTimeRange, model } = data[0]!;
  return expandMacros(String(model.rawSql), {
    fromMs: nowMs - relativeTimeRange.from * 1000,
    toMs: nowMs - relativeTimeRange.to * 1000,
    intervalMs: Number(model.intervalMs),
  });
}

/** An empty list is "no data". */
export async function evaluateRule(
  rule: RuleFile,
  nowMs: number,
  ask: (sql: string) => Promise<Row[]>,
): Promise<Instance[]> {
  const [query, reduce, threshold] = rule.data.map(({ model }) => model);
  if (query!.refId !== reduce!.expression || reduce!.refId !== threshold!.expression)
    throw new Error(`${rule.uid}: expressions do not follow each other`);
  if (rule.condition !== threshold!.refId)
    throw new Error(`${rule.uid}: its condition is not the last expression`);
  const [{ evaluator }] = threshold!.conditions as [{ evaluator: { type: string; params: number[] } }];
  const instances = toNumbers(await ask(sqlAt(rule, nowMs)), rule.uid);
  // A number needs no reducing: `last` of it is itself.
  return instances.map((each) => ({
    ...each,
    isFiring: COMPARE[evaluator.type]!(each.value, evaluator.params[0]!),
  }));
}

/** One number in each row, everything else text, and no two rows with the same texts: what Grafana refuses otherwise. */
function toNumbers(rows: readonly Row[], uid: string): Omit<Instance, 'isFiring'>[] {
  const seen = new Set<string>();
  return rows.map((row) => {
    const numbers = Object.entries(row).filter(([, value]) => typeof value === 'number');
    const texts = Object.entries(row).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string',
    );
    if (numbers.length !== 1 || numbers.length + texts.length !== Object.keys(row).length)
      throw new Error(`${uid}: not one number and texts: ${JSON.stringify(row)}`);
    const labels = Object.fromEntries(texts);
    const key = JSON.stringify(labels);
    if (seen.has(key)) throw new Error(`${uid}: two rows have the labels ${key}`);
    seen.add(key);
    return { labels, value: numbers[0]![1] as number };
  });
}
