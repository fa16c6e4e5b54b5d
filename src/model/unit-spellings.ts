/**
 * Units as they are spelled in the wild, not in UCUM: the whole list, in one place. Enters: one atom, or a whole unit;
 * leaves: its UCUM code. Each is a guess, and is marked as one (`alias`). Everything here is shown in docs/units.md.
 */

/** Units as a whole. Exact spelling counts: Mbps is megabits, MBps megabytes. */
const WHOLE = new Map([
  ['bps', 'bit/s'],
  ['kbps', 'kbit/s'],
  ['Kbps', 'kbit/s'],
  ['Mbps', 'Mbit/s'],
  ['Gbps', 'Gbit/s'],
  ['Bps', 'By/s'],
  ['kBps', 'kBy/s'],
  ['KBps', 'kBy/s'],
  ['MBps', 'MBy/s'],
  ['GBps', 'GBy/s'],
  ['rps', '1/s'],
  ['qps', '1/s'],
  ['tps', '1/s'],
  ['iops', '1/s'],
  ['ops/s', '1/s'],
  ['rpm', '1/min'],
  ['countpersecond', '1/s'],
  ['bytespersecond', 'By/s'],
  // Annotations count for 1 in UCUM; whoever writes these means a percentage.
  ['{percent}', '%'],
  ['{percentage}', '%'],
  ['{pct}', '%'],
  ['{%}', '%'],
]);

/** Words that say that nothing is known. */
const UNSET = new Set(['', 'none', 'n/a', 'unknown']);

const PREFIX_WORDS = new Map([
  ['nano', 'n'],
  ['micro', 'u'],
  ['milli', 'm'],
  ['kilo', 'k'],
  ['mega', 'M'],
  ['giga', 'G'],
  ['tera', 'T'],
  ['peta', 'P'],
  ['kibi', 'Ki'],
  ['mebi', 'Mi'],
  ['gibi', 'Gi'],
  ['tebi', 'Ti'],
]);
const PREFIXABLE_WORDS = new Map([
  ['second', 's'],
  ['sec', 's'],
  ['byte', 'By'],
  ['bit', 'bit'],
  ['hertz', 'Hz'],
  ['watt', 'W'],
  ['joule', 'J'],
  ['volt', 'V'],
  ['ampere', 'A'],
  ['amp', 'A'],
  ['meter', 'm'],
  ['metre', 'm'],
  ['gram', 'g'],
]);
const PREFIXED_WORD = new RegExp(`^(${[...PREFIX_WORDS.keys()].join('|')})?(.+)$`);

/** In singular or plural, in any case. */
const WORDS = new Map([
  ['µs', 'us'],
  ['μs', 'us'],
  ['usec', 'us'],
  ['msec', 'ms'],
  ['milli', 'ms'],
  ['micro', 'us'],
  ['nano', 'ns'],
  ['minute', 'min'],
  ['mins', 'min'],
  ['hour', 'h'],
  ['hr', 'h'],
  ['hrs', 'h'],
  ['day', 'd'],
  ['week', 'wk'],
  ['month', 'mo'],
  ['year', 'a'],
  ['percent', '%'],
  ['percentage', '%'],
  ['pct', '%'],
  ['°c', 'Cel'],
  ['℃', 'Cel'],
  ['degc', 'Cel'],
  ['celsius', 'Cel'],
  ['°f', '[degF]'],
  ['degf', '[degF]'],
  ['fahrenheit', '[degF]'],
  ['kelvin', 'K'],
  ['liter', 'L'],
  ['litre', 'L'],
]);

/** Things that are counted: what stands in braces where UCUM is followed. In singular or plural, in any case. */
const COUNTED = new Set(
  `# count number ratio fraction percentunit unit unitless dimensionless bool boolean
  item request req call error failure exception event message msg operation op transaction txn query queries connection
  thread process processes packet user customer session job task record row object file page hit miss misses order sample
  span class classes cpu core pod node container instance host service retry retries attempt invocation`.split(
    /\s+/,
  ),
);

/** Bytes by their everyday letter. UCUM's B is the bel, which nobody sends; K and k are 1,000, Ki and ki 1,024. */
const BYTES = /^([kKMGTPE]?)(i?)B$/;

/** Whether a unit as it was sent says nothing: it is empty, or a word for that. */
export function isUnset(unit: string): boolean {
  return UNSET.has(unit.trim().toLowerCase());
}

/** UCUM text of a whole unit that is spelled otherwise, `''` for "nothing is known", or nothing. */
export function spellWhole(unit: string): string | undefined {
  const lower = unit.toLowerCase();
  if (UNSET.has(lower)) return '';
  return WHOLE.get(unit) ?? (/[bB]ps$/.test(unit) ? undefined : WHOLE.get(lower));
}

/** UCUM code of an atom that is spelled otherwise, or nothing. */
export function spellAtom(atom: string): string | undefined {
  const bytes = BYTES.exec(atom);
  if (bytes !== null) {
    const [, letter = '', binary] = bytes;
    if (binary === '') return `${letter.replace('K', 'k')}By`;
    return letter === '' ? undefined : `${letter.replace('k', 'K')}iBy`;
  }
  if (atom === 'bit') return undefined; // UCUM and a word at once
  const lower = atom.toLowerCase();
  return (
    spellWord(lower) ?? (lower.length > 3 && lower.endsWith('s') ? spellWord(lower.slice(0, -1)) : undefined)
  );
}

function spellWord(word: string): string | undefined {
  if (COUNTED.has(word)) return '1';
  const code = WORDS.get(word);
  if (code !== undefined) return code;
  const [, prefix = '', rest = ''] = PREFIXED_WORD.exec(word) ?? [];
  const stem = PREFIXABLE_WORDS.get(rest);
  return stem === undefined ? undefined : `${PREFIX_WORDS.get(prefix) ?? ''}${stem}`;
}
