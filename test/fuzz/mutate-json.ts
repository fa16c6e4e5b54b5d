/**
 * Damage to JSON token by token: values of other types, numbers beyond every range, names twice, nesting without end,
 * and texts that are not JSON any more. Works on bytes as they are (latin1), so that broken UTF-8 stays broken.
 */
import type { Chance } from './chance.js';

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\],:]|-?\d[\d.eE+-]*|[a-z]+|\s+|./gs;
const LEVELS_MAX = 5_000;
const REPEATS_MAX = 200;

const VALUES = [
  ...[
    'null',
    'true',
    'false',
    '0',
    '-0',
    '1',
    '-1',
    '1.5',
    '1e400',
    '-1e400',
    '1e-400',
    '1E+1',
    '9007199254740993',
  ],
  ...[
    '18446744073709551615',
    '18446744073709551616',
    '-9223372036854775809',
    '1700000000000000000',
    '00',
    '1.',
    '.5',
  ],
  ...['"18446744073709551616"', '"NaN"', '"Infinity"', '"-Infinity"', '"1e3"', '" 1"', '""', '"0x10"', 'NaN'],
  ...[
    '{}',
    '[]',
    '[null]',
    '[[]]',
    '{"a":1}',
    '"__proto__"',
    '"constructor"',
    '"\\ud800"',
    '"\\u0000"',
    '"\\x"',
  ],
  ...['"\xff\xfe"', '"\xc3("', '"AAAA"', '"!!!!"', '"zz"', "'a'", '/* a */', '// a\n', '\xef\xbb\xbf', '\0'],
];

const TOKEN_MUTATIONS: Record<
  string,
  (tokens: string[], at: number, chance: Chance, other: string[]) => void
> = {
  'token lost': (tokens, at) => void tokens.splice(at, 1),
  'token doubled': (tokens, at) => void tokens.splice(at, 0, tokens[at]!),
  'token replaced': (tokens, at, chance) => {
    tokens[at] = chance.pick(VALUES);
  },
  'token put in': (tokens, at, chance) =>
    void tokens.splice(at, 0, chance.pick([...VALUES, ',', ':', '}', ']'])),
  'tokens exchanged': (tokens, at, chance) => {
    const to = chance.below(tokens.length);
    [tokens[at], tokens[to]] = [tokens[to]!, tokens[at]!];
  },
  'value replaced': (tokens, at, chance) => {
    const from = tokens.indexOf(':', at);
    if (from >= 0) tokens.splice(from + 1, valueLength(tokens, from + 1), chance.pick(VALUES));
  },
  'value doubled under its name': (tokens, at) => {
    const from = tokens.indexOf(':', at);
    if (from < 1) return;
    const pair = tokens.slice(from - 1, from + 1 + valueLength(tokens, from + 1));
    tokens.splice(from - 1, 0, ...pair, ',');
  },
  'element repeated often': (tokens, at, chance) => {
    const from = tokens.indexOf('[', at);
    const element = from < 0 ? [] : tokens.slice(from + 1, from + 1 + valueLength(tokens, from + 1));
    if (element.length === 0 || element[0] === ']') return;
    const repeats = Math.min(chance.size(REPEATS_MAX), Math.ceil(30_000 / element.join('').length));
    tokens.splice(from + 1, 0, Array(repeats).fill(element.join('')).join(','), ',');
  },
  'value nested': (tokens, at, chance) => {
    const from = tokens.indexOf(':', at);
    if (from < 0) return;
    const levels = chance.size(LEVELS_MAX);
    const [open, close] = chance.pick([
      ['[', ']'],
      ['{"a":', '}'],
      ['{"arrayValue":{"values":[', ']}}'],
      ['{"kvlistValue":{"values":[{"key":"k","value":', '}]}}'],
    ]);
    const isClosed = chance.happens(0.8);
    tokens.splice(
      from + 1,
      valueLength(tokens, from + 1),
      open!.repeat(levels),
      '{}',
      isClosed ? close!.repeat(levels) : '',
    );
  },
  'tokens of another request': (tokens, at, chance, other) => {
    const from = chance.below(other.length);
    tokens.splice(at, chance.size(20), ...other.slice(from, from + chance.size(200)));
  },
  'value of another request': (tokens, at, chance, other) => {
    const to = tokens.indexOf(':', at);
    const from = other.indexOf(':', chance.below(other.length));
    if (to < 0 || from < 0) return;
    tokens.splice(
      to + 1,
      valueLength(tokens, to + 1),
      ...other.slice(from + 1, from + 1 + valueLength(other, from + 1)),
    );
  },
  'long text': (tokens, at, chance) => {
    tokens[at] = `"${'x'.repeat(chance.size(20_000))}"`;
  },
  'number with many digits': (tokens, at, chance) => {
    tokens[at] =
      `${chance.pick(['', '-', '0.'])}${'9'.repeat(chance.size(2_000))}${chance.pick(['', 'e5', 'e-3000'])}`;
  },
  'space put in': (tokens, at, chance) => void tokens.splice(at, 0, ' \t\r\n'.repeat(chance.size(200))),
};

export function mutateJson(
  bytes: Buffer,
  other: Buffer,
  chance: Chance,
): { bytes: Buffer; name: string } | undefined {
  const tokens = tokensOf(bytes);
  if (tokens.length === 0) return undefined;
  const name = chance.pick(Object.keys(TOKEN_MUTATIONS));
  const others = name.endsWith('another request') ? tokensOf(other) : [];
  TOKEN_MUTATIONS[name]!(tokens, chance.below(tokens.length), chance, others);
  return { bytes: Buffer.from(tokens.join(''), 'latin1'), name };
}

export function tokensOf(bytes: Buffer): string[] {
  return bytes.toString('latin1').match(TOKEN) ?? [];
}

/** Tokens of the value at `from`. */
function valueLength(tokens: readonly string[], from: number): number {
  let depth = 0;
  for (let i = from; i < tokens.length; i++) {
    const token = tokens[i]!;
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    if (depth < 0) return i - from;
    if (depth === 0 && !/^\s/.test(token)) return i - from + 1;
  }
  return tokens.length - from;
}
