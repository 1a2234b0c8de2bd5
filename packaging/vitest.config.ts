import { defineConfig } from 'vitest/config';

/** Apart from `pnpm test`: packing and installing take longer than all else, and need a registry. */
export default defineConfig({
  test: {
    root: import.meta.dirname,
    include: ['*.test.ts'],
    globalSetup: ['global-setup.ts'],
    retry: 0,
    isolate: false,
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 300_000,
    hookTimeout: 300_000,
  },
});
