/**
 * A plan in words. Enters: changes; leaves: lines, each thing with where it differs. What Grafana has may come from anybody, so
 * nothing of it moves the cursor.
 */
import type { Difference } from '../grafana/api/compare.js';
import type { Change, Plan } from '../grafana/api/plan.js';

export interface PlanWords {
  create: string;
  update: string;
  delete: string;
}

/** What Grafana has, compared with the catalogue. */
export const DRIFT: PlanWords = { create: 'missing', update: 'changed', delete: 'extra' };
/** What is to be done there. */
export const TO_DO: PlanWords = { create: 'create', update: 'change', delete: 'remove' };

const DIFFERENCES_MAX = 12;
const VALUE_CHARS_MAX = 90;

export function showPlan({ changes, warnings }: Plan, words: PlanWords): string {
  const lines = changes.flatMap((change) => [
    `${words[change.action].padEnd(8)} ${showKind(change)} ${clean(change.id)}${showTitle(change)}`,
    ...change.differences.slice(0, DIFFERENCES_MAX).map(showDifference),
    ...(change.differences.length > DIFFERENCES_MAX
      ? [`           and ${change.differences.length - DIFFERENCES_MAX} more (--json has all)`]
      : []),
    ...(change.blocked === undefined ? [] : [`           ${change.blocked}`]),
  ]);
  return [...lines, ...warnings.map((warning) => `note     ${clean(warning)}`)]
    .map((line) => `${line}\n`)
    .join('');
}

export function countChanges({ changes }: Plan, words: PlanWords): string {
  const counted = (['create', 'update', 'delete'] as const).flatMap((action) => {
    const count = changes.filter((change) => change.action === action).length;
    return count === 0 ? [] : [`${count} ${words[action]}`];
  });
  return counted.join(', ');
}

const KIND_NAMES: Readonly<Record<Change['kind'], string>> = {
  folder: 'folder',
  dashboards: 'dashboard',
  templates: 'template',
  'mute-timings': 'mute timing',
  'contact-points': 'contact point',
  policies: 'policy',
  rules: 'rule',
};

function showKind({ kind }: Change): string {
  return KIND_NAMES[kind];
}

function showTitle({ id, title }: Change): string {
  return title === id || title === '' ? '' : `  ${clean(title)}`;
}

function showDifference({ path, wanted, found }: Difference): string {
  return `           ${clean(path)}: ${showValue(found)} in Grafana, ${showValue(wanted)} in the catalogue`;
}

function showValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = clean(JSON.stringify(value));
  return text.length > VALUE_CHARS_MAX ? `${text.slice(0, VALUE_CHARS_MAX)}…` : text;
}

function clean(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to go.
  return text.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, ' ');
}
