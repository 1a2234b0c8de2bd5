import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredResult } from '../../src/report/store.ts';

/** A store of a test's own, gone when the test ends. */
export interface StoreFolder extends Disposable {
  readonly path: string;
  /** The text of `latest/result.json`. */
  latest(): string;
  result(): StoredResult;
}

export function createStore(): StoreFolder {
  const path = mkdtempSync(join(tmpdir(), 'rotation-store-'));
  const latest = (): string => readFileSync(join(path, 'latest', 'result.json'), 'utf8');
  return {
    path,
    latest,
    result: () => JSON.parse(latest()) as StoredResult,
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}
