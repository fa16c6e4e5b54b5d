import { defineConfig } from 'vitest/config';

/** What it measures others must not disturb: it runs when all else is done. */
const ALONE = ['test/integration/visible.test.ts'];

// Each test file gets a process of its own: the embedded engine allows one data directory per process
// and takes about 255 MB, so two files at a time suit a two-core machine.
export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Real processes, sockets and engines on a machine that others use too: what fails once is tried once more, and shows as
    // retried.
    retry: 1,
    reporters: ['default'],
    // Sources are transformed once for all files, not once for each.
    experimental: { fsModuleCache: true },
    projects: [
      {
        extends: true,
        test: {
          name: 'suite',
          include: ['test/**/*.test.ts'],
          // Those of other languages need their tools and packages: npm run test:languages.
          exclude: [...ALONE, 'test/languages/**'],
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, sequence: { groupOrder: 1 } } },
    ],
  },
});
