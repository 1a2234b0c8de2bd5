import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

/** The Docker tests alone, without what the whole workspace's tests set up. */
export default defineConfig({
  test: {
    root: join(import.meta.dirname, '..'),
    include: ['docker.test.ts'],
    retry: 0,
    testTimeout: 60_000,
  },
});
