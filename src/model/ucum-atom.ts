/**
 * One atom of a unit, with its prefix (`ms`, `MiBy`, `Cel`), as UCUM defines it. Enters: the atom's code; leaves: its
 * size in base units, or nothing where UCUM has no such code. Expressions of several atoms are read in unit.ts: the
 * library takes information for a plain number (8 By = 64), lets 0.5 be 5, and prints what it cannot read.
 */
import { createRequire } from 'node:module';

/** Exponents of m, s, g, rad, K, C, cd (UCUM's base units, in the library's order) and By. */
export type Dimensions = readonly number[];
export const BASE_UNITS = ['m', 's', 'g', 'rad', 'K', 'C', 'cd', 'By'] as const;

export interface Atom {
  /** Size of 1 of it, in base units. */
  factor: number;
  /** What 0 of it is in base units: not 0 for temperatures on a scale of their own. */
  offset: number;
  dimensions: Dimensions;
  /** Only comparable with itself: logarithmic units, and those UCUM calls arbitrary. */
  isOwnKind: boolean;
}

interface UcumUnit {
  csCode_: string;
  magnitude_: number | null;
  dim_: { dimVec_: number[] | null } | null;
  cnv_: string | null;
  cnvPfx_: number;
  isArbitrary_: boolean;
}
interface UcumLibrary {
  UcumLhcUtils: {
    getInstance(): {
      getSpecifiedUnit(code: string, mode: 'validate'): { unit: UcumUnit | null; retMsg: string[] };
    };
  };
}

// Loaded here and not by `import`: the library has no types.
const library = createRequire(import.meta.url)('@lhncbc/ucum-lhc') as UcumLibrary;
const ucum = library.UcumLhcUtils.getInstance();

/** Scales with a zero of their own: size of a degree and the scale's zero, both in K (UCUM table 4, special units). */
const TEMPERATURES = new Map([
  ['Cel', { factor: 1, offset: 273.15 }],
  ['degF', { factor: 5 / 9, offset: (459.67 * 5) / 9 }],
]);
const PLAIN = [0, 0, 0, 0, 0, 0, 0, 0];
const INFORMATION = [0, 0, 0, 0, 0, 0, 0, 1];
/** IEC prefixes that UCUM's table stops short of. */
const BEYOND_TEBI = new Map([
  ['PiBy', 2 ** 50],
  ['EiBy', 2 ** 60],
]);
const BITS_PER_BYTE = 8;
/** What the library would print a line about: spaces, and words that every JavaScript object has. */
const UNREADABLE = new RegExp(`\\s|(${Object.getOwnPropertyNames(Object.prototype).join('|')})$`);

export function readAtom(code: string): Atom | undefined {
  const beyond = BEYOND_TEBI.get(code);
  if (beyond !== undefined) {
    return { factor: beyond, offset: 0, dimensions: INFORMATION, isOwnKind: false };
  }
  if (UNREADABLE.test(code)) return undefined;
  const { unit, retMsg } = ucum.getSpecifiedUnit(code, 'validate');
  // A message means that the library guessed ("Did you mean …?").
  if (unit === null || retMsg.length > 0 || unit.csCode_ !== code || unit.magnitude_ === null)
    return undefined;
  const vector = unit.dim_?.dimVec_;
  const temperature = TEMPERATURES.get(unit.cnv_ ?? '');
  if (temperature !== undefined && vector) {
    const factor = temperature.factor * unit.cnvPfx_;
    return { factor, offset: temperature.offset, dimensions: [...vector, 0], isOwnKind: false };
  }
  if (unit.isArbitrary_ || unit.cnv_ !== null) {
    return { factor: 1, offset: 0, dimensions: PLAIN, isOwnKind: true };
  }
  if (/(By|bit)$/.test(code)) {
    return { factor: unit.magnitude_ / BITS_PER_BYTE, offset: 0, dimensions: INFORMATION, isOwnKind: false };
  }
  if (!vector) return undefined;
  return { factor: unit.magnitude_, offset: 0, dimensions: [...vector, 0], isOwnKind: false };
}
