/**
 * What each formula takes: its terms by the place they have in a source, and which measures make sense there. The one
 * table that both checking and reading the catalogue go by.
 */
import type { Measure } from '../model/kpi.js';
import { FORMULA_KINDS, type FormulaKind } from './formula-schema.js';

export interface TermRole {
  /** Keys from the formula to the term; [] where the formula is the term. */
  at: readonly string[];
  /** The first is taken where the catalogue names none. */
  measures: readonly [Measure, ...Measure[]];
}

const ANY = ['amount', 'total', 'average', 'last'] as const;

export const TERM_ROLES: Readonly<Record<FormulaKind, readonly TermRole[]>> = {
  average: [{ at: [], measures: ['average'] }],
  percentile: [{ at: ['of'], measures: ['average'] }],
  ratio: [
    { at: ['of'], measures: ANY },
    { at: ['to'], measures: ANY },
  ],
  rate: [{ at: ['of'], measures: ['amount', 'total'] }],
  sum: [{ at: ['of'], measures: ['total', 'amount'] }],
  last: [{ at: [], measures: ['last'] }],
  uptime: [{ at: [], measures: ['average'] }],
  // Of each part.
  weighted_score: [{ at: ['of'], measures: ['average', 'last', 'amount', 'total'] }],
  per_user_cost: [
    { at: ['cost'], measures: ['total', 'amount'] },
    { at: ['users'], measures: ['last', 'average'] },
  ],
  roi: [
    { at: ['gain'], measures: ['total', 'amount', 'average', 'last'] },
    { at: ['cost'], measures: ['total', 'amount', 'average', 'last'] },
  ],
};

/** Formulas whose value is a share: good of all. */
export const SHARE_KINDS: readonly FormulaKind[] = ['ratio', 'uptime'];
/** Formulas whose value has no dimension, so that its unit is % or 1. */
export const PLAIN_KINDS: readonly FormulaKind[] = ['ratio', 'uptime', 'weighted_score', 'roi'];

export interface PlacedRawTerm {
  kind: FormulaKind;
  /** From the source. */
  path: readonly (string | number)[];
  role: TermRole;
  value: unknown;
}

/** The terms of a source as it stands in the file, whole or not. */
export function listRawTerms(source: unknown): PlacedRawTerm[] {
  return FORMULA_KINDS.flatMap((kind) => {
    const formula = fieldOf(source, kind);
    if (formula === undefined) return [];
    const parts = kind === 'weighted_score' ? listOf(fieldOf(formula, 'parts')) : undefined;
    const holders: { path: (string | number)[]; value: unknown }[] =
      parts === undefined
        ? [{ path: [kind], value: formula }]
        : parts.map((value, i) => ({ path: [kind, 'parts', i], value }));
    return holders.flatMap((holder) =>
      TERM_ROLES[kind].map((role) => ({
        kind,
        path: [...holder.path, ...role.at],
        role,
        value: role.at.reduce(fieldOf, holder.value),
      })),
    );
  });
}

export function fieldOf(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[key] : undefined;
}

export function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}
