import { defineConfig } from 'vitest/config';

/** Programs in other languages against real servers: `npm run test:languages`. Not part of `npm test`. */
export default defineConfig({
  root: new URL('../..', import.meta.url).pathname,
  test: {
    include: ['test/languages/**/*.test.ts'],
    globalSetup: ['test/languages/start-plumblines.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 60_000,
    // Packages are downloaded and programs are compiled in hooks.
    hookTimeout: 900_000,
  },
});
