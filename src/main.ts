#!/usr/bin/env node
/**
 * The command line: `plumbline serve | sql | kpi | …`. The only place that ends the process. Errors of the
 * person at the keyboard are printed as one message; anything else with its stack.
 */

import { createProgram, shieldQueries } from './cli/program.js';
import { neutralizeControls } from './cli/terminal-text.js';
import { UserError } from './model/errors.js';

try {
  const program = await createProgram(process.argv[2]);
  await program.parseAsync(shieldQueries(process.argv));
  // What still holds the event loop (sockets kept alive by a library, say) must not keep a finished command from ending.
  process.exit(process.exitCode ?? 0);
} catch (error) {
  console.error(error instanceof UserError ? neutralizeControls(`plumbline: ${error.message}`) : error);
  process.exit(1);
}
