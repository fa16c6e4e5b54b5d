/**
 * `npm run conformance`: runs every test that is named after a checklist line and writes docs/conformance.md from the
 * results. Ends with code 1 where a test failed; the page is written all the same.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { documentPath, findLineTests, type LineResult, renderDocument } from './document.js';

interface VitestReport {
  testResults: { name: string; message: string; assertionResults: { title: string; status: string }[] }[];
}

const root = new URL('../..', import.meta.url).pathname;
const tests = findLineTests();
const files = [...new Set([...tests.values()].flat())].sort();
const directory = mkdtempSync(join(tmpdir(), 'plumbline-conformance-'));
const reportFile = join(directory, 'report.json');
const vitest = join(root, 'node_modules/vitest/vitest.mjs');
const { status } = spawnSync(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`, ...files],
  { cwd: root, stdio: 'inherit' },
);
const report = JSON.parse(readFileSync(reportFile, 'utf8')) as VitestReport;
rmSync(directory, { recursive: true });

const results = new Map<string, LineResult>();
for (const { title, status: outcome } of report.testResults.flatMap((file) => file.assertionResults)) {
  const id = /^\[([^\]]+)\]/.exec(title)?.[1];
  if (id === undefined) continue;
  const result = results.get(id) ?? { passed: 0, failed: 0 };
  // What did not come to an end proves nothing.
  if (outcome === 'passed') result.passed++;
  else result.failed++;
  results.set(id, result);
}
writeFileSync(documentPath, renderDocument(tests, results));
console.log(`docs/conformance.md written: ${results.size} lines tested`);
process.exitCode = status ?? 1;
