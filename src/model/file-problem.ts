/** Mistakes in files of a catalogue. Enters: everything that is wrong; leaves: one error that lists it by file and line. */
import { UserError } from './errors.js';

/** Something wrong, or odd, at a place in a file. */
export interface FileProblem {
  file: string;
  /** From 1; 0 = the file as a whole. */
  line: number;
  reason: string;
}

/** `problems` are in its message too, in their order. */
export class CatalogueError extends UserError {
  readonly problems: readonly FileProblem[];

  constructor(problems: readonly FileProblem[], what = 'the KPI catalogue') {
    const lines = problems.map((problem) => `  ${describeProblem(problem)}`);
    const count = lines.length === 1 ? '1 problem' : `${lines.length} problems`;
    super(`${what} has ${count}:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

export function describeProblem({ file, line, reason }: FileProblem): string {
  return line === 0 ? `${file}: ${reason}` : `${file}:${line}: ${reason}`;
}
