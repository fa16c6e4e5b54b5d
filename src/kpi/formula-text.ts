/** Formulas in words, for people who read a KPI. Enters: a Formula; leaves: one sentence part. Nothing is computed from it. */
import type { Formula, Measure, Selector, Term } from '../model/kpi.js';
import { formatDuration } from './duration.js';

const KINDS: Readonly<Record<Formula['kind'], true>> = {
  average: true,
  percentile: true,
  ratio: true,
  rate: true,
  sum: true,
  last: true,
  uptime: true,
  weighted_score: true,
  per_user_cost: true,
  roi: true,
};

/** A definition may come from a server that is newer than the command that asks it. */
export function isKnownFormula({ kind }: Formula): boolean {
  return kind in KINDS;
}

export function describeFormula(formula: Formula): string {
  switch (formula.kind) {
    case 'average':
      return `average of all values of ${listSelectors(formula.of)}`;
    case 'percentile':
      return `p${Number((100 * formula.quantile).toPrecision(10))} of all values of ${listSelectors(formula.of)}`;
    case 'ratio': {
      const share = `${describeTerm(formula.numerator)} ÷ ${describeTerm(formula.denominator)}`;
      return formula.complement ? `1 - ${share}` : share;
    }
    case 'rate':
      return `${describeTerm(formula.of)}, per ${formatDuration(formula.perS)}`;
    case 'sum': {
      const projected = formula.perS === undefined ? '' : `, projected to ${formatDuration(formula.perS)}`;
      return `${describeTerm(formula.of)} in the window${projected}`;
    }
    case 'last':
      return describeTerm(formula.of);
    case 'uptime':
      return `share of good checks among all checks of ${listSelectors(formula.of)}`;
    case 'weighted_score': {
      const sum = formula.parts.reduce((total, { weight }) => total + weight, 0);
      const parts = formula.parts.map(({ name, of, weight, scale }) => {
        const outOf = scale === 1 ? '' : ` out of ${scale}`;
        return `${name} ${Number(((100 * weight) / sum).toPrecision(3))} % (${describeTerm(of)}${outOf})`;
      });
      return `weighted mean of ${parts.join(', ')}; parts without data drop out`;
    }
    case 'per_user_cost':
      return `${describeTerm(formula.cost)} projected to ${formatDuration(formula.perS)} ÷ ${describeTerm(formula.users)}`;
    case 'roi':
      return `(gain - cost) ÷ cost, gain = ${describeTerm(formula.gain)}, cost = ${describeTerm(formula.cost)}`;
    default:
      return `a formula that this version does not know (${(formula as Formula).kind})`;
  }
}

const MEASURES: Readonly<Record<Measure, string>> = {
  amount: 'count of',
  total: 'total of',
  average: 'average of',
  last: 'last value of',
};
const ACROSS: Readonly<Record<Term['across'], string>> = {
  average: 'average',
  sum: 'sum',
  min: 'smallest',
  max: 'largest',
};

function describeTerm(term: Term): string {
  const across = term.measure === 'last' ? `${ACROSS[term.across]} of the ` : '';
  const measure = term.measure === 'last' ? 'last values of' : MEASURES[term.measure];
  return `${across}${measure} ${listSelectors(term)}`;
}

function listSelectors({ selectors }: Term): string {
  return selectors.map(describeSelector).join(' and ');
}

/** As PromQL-like pairs in braces: what people who read metrics know. */
function describeSelector({ metric, where, whereNot, shapes }: Selector): string {
  const pairs = [
    ...Object.entries(where).map(([name, values]) =>
      values.length === 0 ? `${name} absent` : `${name}=${values.join('|')}`,
    ),
    ...Object.entries(whereNot).map(([name, values]) => `${name}≠${values.join('|')}`),
    ...(shapes.length > 0 ? [`as ${shapes.join(' or ').replaceAll('_', ' ')}`] : []),
  ];
  return pairs.length === 0 ? metric : `${metric} {${pairs.join(', ')}}`;
}
