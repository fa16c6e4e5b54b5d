/** A command run in this process: what it writes to stdout, and its exit code. */
import type { Command } from 'commander';
import { vi } from 'vitest';

/** @throws what the command throws. */
export async function runSilently(
  command: Command,
  ...args: string[]
): Promise<{ stdout: string; code: number | string }> {
  const written = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await command.parseAsync(args, { from: 'user' });
    return {
      stdout: written.mock.calls.map(([chunk]) => String(chunk)).join(''),
      code: process.exitCode ?? 0,
    };
  } finally {
    written.mockRestore();
    process.exitCode = before;
  }
}
