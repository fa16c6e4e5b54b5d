/** docs/conformance.md fits the checklist and the tests; what the tests say of the product is not judged here. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CHECKLIST } from './checklist.js';
import { documentPath, findLineTests, readResults, renderDocument } from './document.js';

describe('docs/conformance.md', () => {
  const tests = findLineTests();

  it('shows the lines and tests that there are: run `npm run conformance` where it does not', () => {
    const page = readFileSync(documentPath, 'utf8');
    expect(page).toBe(renderDocument(tests, readResults(page)));
    expect(page).not.toContain('not run');
  });

  it('every ID is unique and of its section', () => {
    const ids = CHECKLIST.map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.filter((id) => !/^[a-z]+\.[a-z-]+$/.test(id))).toEqual([]);
  });

  it('no test names a line that does not exist', () => {
    const ids = new Set(CHECKLIST.map(({ id }) => id));
    expect([...tests.keys()].filter((id) => !ids.has(id))).toEqual([]);
  });

  it('reads back the results that it shows', () => {
    const shown = new Map([
      ['http.success', { passed: 2, failed: 0 }],
      ['http.partial', { passed: 1, failed: 0 }],
      ['http.empty', { passed: 1, failed: 3 }],
    ]);
    const files = new Map([...shown.keys()].map((id) => [id, ['test/a.test.ts']]));
    expect(readResults(renderDocument(files, shown))).toEqual(shown);
  });
});
