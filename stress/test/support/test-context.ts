import { Evidence, type Context, type StoredResult } from 'mongo-harness/testing';
import { createStore } from 'test-kit';
import { afterAll } from 'vitest';
import rotationSystem from '../../src/rotation-system.ts';
import type { RotationTypes } from '../../src/model/rotation-types.ts';

/** What the rows of a test file need, with a store that is gone when the file is over. */
export function createTestContext(): Omit<Context<RotationTypes>, 'signal'> {
  const store = createStore<StoredResult>();
  afterAll(() => store[Symbol.dispose]());
  return {
    system: rotationSystem,
    module: new URL('../../src/rotation-system.ts', import.meta.url).href,
    command: 'pnpm stress',
    progress: { show: () => {}, clear: () => {} },
    evidence: new Evidence(store.path, new Date().toISOString(), rotationSystem.name),
  };
}
