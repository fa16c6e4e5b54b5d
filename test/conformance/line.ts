/**
 * Registers a test under the name of the checklist line that it proves. `variant` tells the tests of one line apart.
 * A line without any test is shown as not tested; one that fails, as failing.
 */
import { it } from 'vitest';
import { CHECKLIST } from './checklist.js';

type TestBody = () => void | Promise<void>;

export function line(id: string, body: TestBody, timeoutMs?: number): void;
export function line(id: string, variant: string, body: TestBody, timeoutMs?: number): void;
export function line(id: string, ...rest: unknown[]): void {
  const [variant, body, timeoutMs] = (typeof rest[0] === 'string' ? rest : ['', ...rest]) as [
    string,
    TestBody,
    number | undefined,
  ];
  const found = CHECKLIST.find((each) => each.id === id);
  if (found === undefined) throw new Error(`"${id}" is no line of test/conformance/checklist.ts`);
  it(`[${id}] ${found.text}${variant === '' ? '' : `: ${variant}`}`, body, timeoutMs);
}
