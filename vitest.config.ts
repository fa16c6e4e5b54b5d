import { defineConfig } from 'vitest/config';

// Each test file gets a process of its own: the embedded engine allows one data directory per process
// and takes about 255 MB, so two files at a time suit a two-core machine.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ['default'],
  },
});
