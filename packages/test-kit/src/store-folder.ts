import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';

/** A store of a test's own, gone when the test ends. @typeParam R what `result.json` holds */
export interface StoreFolder<R> extends Disposable {
  readonly path: string;
  /** The text of `latest/result.json`. */
  latest(): string;
  result(): R;
  /** All files in it, relative to the folder and in order; what `latest` points to is named once, by its own name. */
  files(): string[];
  /** The text of one of them. */
  read(file: string): string;
}

export function createStore<R>(): StoreFolder<R> {
  const path = mkdtempSync(join(tmpdir(), 'rotation-store-'));
  const read = (file: string): string => readFileSync(join(path, file), 'utf8');
  const latest = (): string => read(join('latest', 'result.json'));
  return {
    path,
    latest,
    result: () => JSON.parse(latest()) as R,
    files: () =>
      readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => relative(path, join(entry.parentPath, entry.name)))
        .filter((file) => !file.startsWith(`latest${sep}`))
        .toSorted(),
    read,
    [Symbol.dispose]: () => rmSync(path, { recursive: true }),
  };
}
