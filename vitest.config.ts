import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['packages/*/test/**/*.test.ts', 'stress/{test,properties}/**/*.test.ts', 'examples/*.test.ts'],
    globalSetup: ['vitest.global-setup.ts'],
    retry: 0,
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});
