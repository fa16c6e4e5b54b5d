/**
 * What the formula of a source says, as SQL over the columns that compile-kpi.ts makes of its terms (a_0, n_0, s_0 …).
 */
import type { Kpi, Source } from '../model/kpi.js';
import { countsEvents } from '../model/service-level.js';
import { parseUnit } from '../model/unit.js';
import type { SourceColumns } from './judge-sql.js';
import type { PlacedTerm } from './kpi-terms.js';
import { numberLiteral } from './sql-text.js';

/** What a source says, as SQL over the columns of its terms. */
export function sourceColumns(
  source: Source,
  all: readonly PlacedTerm[],
  kpi: Kpi,
  seconds: string,
  quantileOf: (term: PlacedTerm) => string,
): SourceColumns {
  const terms = all.filter((term) => term.source === source);
  const of = (role: string) => terms.find((term) => term.role === role)!;
  const { factor: unitFactor } = parseUnit(kpi.unit);
  const inUnit = (sql: string) => (unitFactor === 1 ? sql : `(${sql}) / ${numberLiteral(unitFactor)}`);
  const { formula } = source;
  // What says whether there is data at all: of a ratio what it is a share of, of costs the cost.
  const main = { ratio: 'denominator', per_user_cost: 'cost', roi: 'cost' }[formula.kind as string];
  const mains = main === undefined ? terms : [of(main)];
  const sumOf = (name: string) => mains.map(({ k }) => `${name}_${k}`).join(' + ');
  const columns = {
    points: `toUInt64(${sumOf('p')})`,
    resets: `toUInt64(${terms.map(({ k }) => `r_${k}`).join(' + ')})`,
    lastTime:
      mains.length === 1 ? `e_${mains[0]!.k}` : `greatest(${mains.map(({ k }) => `e_${k}`).join(', ')})`,
    slots: mains.length === 1 ? `c_${mains[0]!.k}` : `greatest(${mains.map(({ k }) => `c_${k}`).join(', ')})`,
  };
  const {
    value,
    samples,
    good = '0.',
    total = '0.',
  } = formulaValue(source, kpi, of, seconds, inUnit, terms, quantileOf);
  return {
    ...columns,
    value: `CAST(${value}, 'Nullable(Float64)')`,
    samples: `toFloat64(${samples ?? columns.points})`,
    good: `toFloat64(${good})`,
    total: `toFloat64(${total})`,
  };
}

interface ValueSql {
  value: string;
  samples?: string;
  good?: string;
  total?: string;
}

function formulaValue(
  { formula }: Source,
  kpi: Kpi,
  of: (role: string) => PlacedTerm,
  seconds: string,
  inUnit: (sql: string) => string,
  terms: readonly PlacedTerm[],
  quantileOf: (term: PlacedTerm) => string,
): ValueSql {
  switch (formula.kind) {
    case 'percentile': {
      const { k } = of('of');
      return { value: `if(n_${k} > 0, ${quantileOf(of('of'))}, NULL)`, samples: `n_${k}` };
    }
    case 'average': {
      const { k } = of('of');
      return { value: `if(u_${k} > 0, NULL, s_${k} / nullIf(n_${k}, 0))`, samples: `n_${k}` };
    }
    case 'uptime': {
      const { k } = of('of');
      const total = `n_${k}`;
      return {
        value: `s_${k} / nullIf(n_${k}, 0)`,
        samples: total,
        ...goodOf(inUnitInverse(`s_${k}`, inUnit), total, kpi.direction === 'higher_is_better'),
      };
    }
    case 'last':
      return { value: `l_${of('of').k}` };
    case 'rate': {
      const a = read(of('of'));
      return { value: `${a} * ${numberLiteral(formula.perS)} / ${seconds}`, samples: a };
    }
    case 'sum': {
      const a = read(of('of'));
      if (formula.perS === undefined) return { value: a };
      return { value: `${a} * ${numberLiteral(formula.perS)} / ${measuredSeconds(of('of'), seconds)}` };
    }
    case 'ratio': {
      const [n, d] = [read(of('numerator')), read(of('denominator'))];
      const share = formula.complement ? `(1 - ${n} / nullIf(${d}, 0))` : `${n} / nullIf(${d}, 0)`;
      // What the numerator counts is good where more of it makes the KPI better.
      const isGood = (kpi.direction === 'higher_is_better') !== formula.complement;
      return { value: inUnit(share), samples: d, ...(countsEvents(formula) && goodOf(n, d, isGood)) };
    }
    case 'weighted_score': {
      const parts = formula.parts.map(({ name, weight, scale }) => ({
        sql: `(${readPart(of(name))}) / ${numberLiteral(scale)}`,
        weight: numberLiteral(weight),
      }));
      const over = parts.map(({ sql, weight }) => `if(isNull(${sql}), 0, ${weight})`).join(' + ');
      const sum = parts.map(({ sql, weight }) => `ifNull(${sql}, 0) * ${weight}`).join(' + ');
      return {
        value: inUnit(`(${sum}) / nullIf(${over}, 0)`),
        samples: terms.map(({ k }) => `p_${k}`).join(' + '),
      };
    }
    case 'per_user_cost': {
      const users = read(of('users'));
      return {
        value: `${read(of('cost'))} * ${numberLiteral(formula.perS)} / ${measuredSeconds(of('cost'), seconds)} / nullIf(${users}, 0)`,
      };
    }
    case 'roi': {
      const [gain, cost] = [read(of('gain')), read(of('cost'))];
      return { value: inUnit(`(${gain} - ${cost}) / nullIf(${cost}, 0)`) };
    }
  }
}

/** Good and all events, from the amount of good ones or of bad ones. */
function goodOf(amount: string, total: string, isGood: boolean): { good: string; total: string } {
  return { good: isGood ? amount : `${total} - (${amount})`, total };
}

/**
 * Seconds that a projection is made from: of a window that begins before anything was counted only the rest, so that what
 * nobody saw counts neither as nothing nor as something.
 */
function measuredSeconds({ k }: PlacedTerm, seconds: string): string {
  return `greatest(1., least(${seconds}, toFloat64(to_s) - toFloat64(toUnixTimestamp(b_${k}))))`;
}

/** The one number of a term. */
function read({ k, term }: PlacedTerm): string {
  return term.measure === 'last'
    ? `l_${k}`
    : term.measure === 'average'
      ? `s_${k} / nullIf(n_${k}, 0)`
      : `a_${k}`;
}

/** The same, NULL where the term has no data: an average of nothing is not 0. */
function readPart(term: PlacedTerm): string {
  return `if(p_${term.k} = 0, NULL, ${read(term)})`;
}

/** A sum of values in the KPI's unit as a sum of shares of 1. */
function inUnitInverse(sum: string, inUnit: (sql: string) => string): string {
  const scaled = inUnit('1');
  return scaled === '1' ? sum : `${sum} / (${scaled})`;
}
