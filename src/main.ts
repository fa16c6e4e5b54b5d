#!/usr/bin/env node
/**
 * Entry of the command line: `plumbline serve | sql | demo`. The only place that ends the process. Errors of the
 * person at the keyboard are printed as one message; anything else with its stack.
 */

// Queries of the embedded engine, fsync and gzip share libuv's threads: more of them, so that none waits for another.
process.env.UV_THREADPOOL_SIZE ??= '16';

const { createProgram } = await import('./cli/program.js');
const { UserError } = await import('./model/errors.js');

try {
  await createProgram().parseAsync(process.argv);
  // What still holds the event loop (sockets kept alive by a library, say) must not keep a finished command from ending.
  process.exit(process.exitCode ?? 0);
} catch (error) {
  console.error(error instanceof UserError ? `plumbline: ${error.message}` : error);
  process.exit(1);
}

export {};
