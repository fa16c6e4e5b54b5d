/**
 * Which counters count for the whole machine: `machine_counters` of taxonomy.yaml. Their senders give the start of the SDK or
 * of the machine, which says nothing of when counting began (docs/increase.md, rule 5). Enters: a metric's name; leaves: yes or no.
 */
import { compileNamePatterns, splitWords, TEXT_CHARS_MAX } from './pattern.js';
import type { Taxonomy } from './taxonomy.js';

export function createMachineCounterTest({
  machineCounters,
}: Pick<Taxonomy, 'machineCounters'>): (metricName: string) => boolean {
  const matches = compileNamePatterns(machineCounters);
  return (name) => matches(name, splitWords(name.slice(0, TEXT_CHARS_MAX)));
}
