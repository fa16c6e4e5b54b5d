/** What an error lists line by line under its first line, as loaders of files report every mistake at once. Enters: what may throw. */
export function listProblems(run: () => unknown): string[] {
  try {
    run();
  } catch (error) {
    return (error as Error).message
      .split('\n')
      .slice(1)
      .map((line) => line.trim());
  }
  return [];
}
