/**
 * Go templates, as far as a test can read them without Go: whether actions are closed, blocks end, names of functions, fields
 * and templates exist. Enters: text; leaves: what is wrong with it, in words. Fills nothing in.
 */

export interface TemplateNames {
  functions: readonly string[];
  /** First fields after a dot or a variable: `.Labels.kpi` is read as Labels. */
  fields: readonly string[];
  variables: readonly string[];
  /** Names that `template` may call. */
  templates: readonly string[];
}

const OPENING = ['if', 'range', 'with', 'define', 'block'];
const KEYWORDS = [...OPENING, 'else', 'end', 'template', 'break', 'continue', 'true', 'false', 'nil'];
const BUILT_IN = [
  'and',
  'or',
  'not',
  'len',
  'index',
  'slice',
  'print',
  'printf',
  'println',
  'html',
  'js',
  'urlquery',
];
const COMPARISONS = ['eq', 'ne', 'lt', 'le', 'gt', 'ge'];
const TOKEN = /"(?:[^"\\]|\\.)*"|`[^`]*`|\$\w*(?:\.\w+)*|(?:\.\w+)+|\.|\w+|:=|[|(),=]|\s+|./g;

export function findTemplateProblems(text: string, names: TemplateNames): string[] {
  const problems: string[] = [];
  const open: string[] = [];
  const known = [...BUILT_IN, ...COMPARISONS, ...names.functions];
  for (const part of text.split('{{').slice(1)) {
    const end = part.indexOf('}}');
    if (end === -1) {
      problems.push(`an action is not closed: {{${part.slice(0, 40)}`);
      continue;
    }
    const action = part
      .slice(0, end)
      .replace(/^- |^-$/, '')
      .replace(/ -$/, '')
      .trim();
    const tokens = action.match(TOKEN)?.filter((token) => token.trim() !== '') ?? [];
    const [first, second] = tokens;
    if (first === undefined) problems.push('an action is empty');
    if (OPENING.includes(first!)) open.push(action);
    if (first === 'else' && open.length === 0) problems.push(`nothing is open at {{ ${action} }}`);
    if (first === 'end' && open.pop() === undefined) problems.push('an end too many');
    const isNamed = first === 'template' || first === 'define';
    if (isNamed && !/^".+"$/.test(second ?? '')) problems.push(`no name in {{ ${action} }}`);
    if (first === 'template' && !names.templates.includes((second ?? '').slice(1, -1)))
      problems.push(`no template ${second}`);
    for (const token of tokens) problems.push(...findTokenProblems(token, action, known, names));
  }
  return [...problems, ...open.map((action) => `{{ ${action} }} has no end`)];
}

function findTokenProblems(
  token: string,
  action: string,
  known: readonly string[],
  { fields, variables }: TemplateNames,
): string[] {
  if (/^["`\d|(),]/.test(token) || token === '.' || token === ':=' || token === '=') return [];
  if (token.startsWith('$')) {
    const name = token.slice(1).split('.')[0]!;
    return name === '' || variables.includes(name) ? [] : [`no variable $${name} in {{ ${action} }}`];
  }
  if (token.startsWith('.')) {
    const name = token.split('.')[1]!;
    return fields.includes(name) ? [] : [`no field .${name} in {{ ${action} }}`];
  }
  if (/^\w+$/.test(token))
    return known.includes(token) || KEYWORDS.includes(token)
      ? []
      : [`no function ${token} in {{ ${action} }}`];
  return [`${JSON.stringify(token)} in {{ ${action} }}`];
}
