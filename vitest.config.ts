import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { WORKERS } from './vitest.global-setup.ts';

const FILES = ['packages/*/test/**', 'stress/{test,properties}/**', 'examples/**', 'structure'];

const shared = {
  retry: 0,
  // Modules stay loaded from file to file: starting afresh costs up to 1.7 s a file. What a file leaves behind shows in the next.
  isolate: false,
  pool: 'forks',
  // Commands, storm workers and other child processes load the same modules some two hundred times.
  env: { NODE_COMPILE_CACHE: join(import.meta.dirname, 'node_modules/.cache/node-compile') },
  maxWorkers: WORKERS,
  testTimeout: 60_000,
  hookTimeout: 120_000,
} as const;

export default defineConfig({
  test: {
    maxWorkers: WORKERS,
    projects: [
      {
        test: {
          ...shared,
          name: 'mongodb',
          include: FILES.map((folder) => `${folder}/*.test.ts`),
          exclude: ['**/*.pure.test.ts', '**/node_modules/**'],
          globalSetup: ['vitest.global-setup.ts'],
        },
      },
      // Needs no MongoDB: nothing starts one, and a file that asks for one gets none.
      {
        test: {
          ...shared,
          name: 'pure',
          include: FILES.map((folder) => `${folder}/*.pure.test.ts`),
          exclude: ['**/node_modules/**'],
        },
      },
    ],
  },
});
