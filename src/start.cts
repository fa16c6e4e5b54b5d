#!/usr/bin/env node
/**
 * Starts main.ts with enough threads: queries of the embedded engine, fsync and gzip share Node's pool of 4, and one slow
 * query would hold up the rest. The size counts only if it is set before the pool is first used, which loading any ES
 * module does; so this file is CommonJS.
 */
process.env.UV_THREADPOOL_SIZE ??= '16';

void import('./main.js');
