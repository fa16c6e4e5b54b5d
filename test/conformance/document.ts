/**
 * docs/conformance.md from the checklist, the test files that name its lines, and their results. Enters: data; leaves:
 * text. Also reads results back from the text, so that a test can tell whether the page still fits lines and tests.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { CHECKLIST } from './checklist.js';

/** How the tests of one line ended. */
export interface LineResult {
  passed: number;
  failed: number;
}

const root = new URL('../..', import.meta.url).pathname;
export const documentPath = `${root}docs/conformance.md`;

/** Test files by the lines they name, both sorted; found in the text, without running anything. */
export function findLineTests(): Map<string, string[]> {
  const files = readdirSync(`${root}test`, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => `${root}test/${name}`)
    .sort();
  const found = new Map<string, string[]>();
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    if (!/from '[^']*\/line\.js'/.test(text)) continue;
    for (const [, id] of text.matchAll(/\bline\(\s*'([^']+)'/g)) {
      const name = relative(root, file);
      const known = found.get(id!) ?? [];
      if (!known.includes(name)) found.set(id!, [...known, name]);
    }
  }
  return found;
}

/** The page; `results` by line, for those that ran. */
export function renderDocument(
  tests: ReadonlyMap<string, readonly string[]>,
  results: ReadonlyMap<string, LineResult>,
): string {
  const sections = [...new Set(CHECKLIST.map(({ section }) => section))].map((section) => {
    const rows = CHECKLIST.filter((line) => line.section === section).map(({ id, text }) => {
      const files = (tests.get(id) ?? []).map((file) => `[${file}](../${file})`).join(', ');
      return `| \`${id}\` | ${text} | ${describeResult(files === '' ? undefined : results.get(id), files)} | ${files} |`;
    });
    return `## ${section}\n\n| line | what must hold | result | test |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `${INTRODUCTION}\n${describeTotals(tests, results)}\n\n${sections.join('\n')}`;
}

const INTRODUCTION = `# OTLP conformance

Written by \`npm run conformance\` from the tests; do not edit. A line passes when all tests named after it do; they send
to a running receiver over a socket and ask SQL what is stored. The lines themselves are in
\`test/conformance/checklist.ts\`, in words of our own.
`;

function describeResult(result: LineResult | undefined, files: string): string {
  if (files === '') return 'not tested';
  if (result === undefined) return 'not run';
  const { passed, failed } = result;
  if (failed > 0) return `**fails** (${failed} of ${passed + failed})`;
  return passed === 1 ? 'passes' : `passes (${passed} tests)`;
}

function describeTotals(
  tests: ReadonlyMap<string, unknown>,
  results: ReadonlyMap<string, LineResult>,
): string {
  const count = (matches: (id: string) => boolean) => CHECKLIST.filter(({ id }) => matches(id)).length;
  const passing = count((id) => results.get(id)?.failed === 0);
  const failing = count((id) => (results.get(id)?.failed ?? 0) > 0);
  const untested = count((id) => !tests.has(id));
  const notRun = CHECKLIST.length - passing - failing - untested;
  return `${CHECKLIST.length} lines: ${passing} pass, ${failing} fail, ${untested} not tested${notRun > 0 ? `, ${notRun} not run` : ''}.`;
}

/** The results that a page shows. */
export function readResults(page: string): Map<string, LineResult> {
  const results = new Map<string, LineResult>();
  for (const [, id, text] of page.matchAll(/^\| `([^`]+)` \|[^|]*\| ([^|]*) \|/gm)) {
    const fails = /fails\*\* \((\d+) of (\d+)\)/.exec(text!);
    const passes = /^passes(?: \((\d+) tests\))?$/.exec(text!);
    if (fails) results.set(id!, { failed: Number(fails[1]), passed: Number(fails[2]) - Number(fails[1]) });
    else if (passes) results.set(id!, { failed: 0, passed: Number(passes[1] ?? 1) });
  }
  return results;
}
