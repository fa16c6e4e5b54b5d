/** The terms of a formula, in the order in which the catalogue names them. Enters: a Formula; leaves: its terms. */
import type { Formula, Term } from './kpi.js';

export function termsOf(formula: Formula): readonly Term[] {
  switch (formula.kind) {
    case 'ratio':
      return [formula.numerator, formula.denominator];
    case 'weighted_score':
      return formula.parts.map(({ of }) => of);
    case 'per_user_cost':
      return [formula.cost, formula.users];
    case 'roi':
      return [formula.gain, formula.cost];
    default:
      return [formula.of];
  }
}
