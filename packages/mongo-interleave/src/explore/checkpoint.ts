import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { ExploreOptions } from '../options.ts';
import type { SearchState } from './sleep-set-search.ts';

/** An unfinished exploration, as plain data. */
export interface Checkpoint {
  readonly counts: { readonly classes: number; readonly cut: number; readonly fractionDone: number };
  readonly violations: readonly string[];
  readonly searches: readonly SearchState<Footprint>[];
}

interface CheckpointFile {
  readonly saved: Checkpoint | undefined;
  /** Writes at most every few seconds. */
  save(state: () => Checkpoint): Promise<void>;
  /** Writes a last time, or deletes the file where nothing is left to do. */
  end(isComplete: boolean, state: () => Checkpoint): Promise<void>;
}

const SAVE_PAUSE_MS = 2_000;

/**
 * Opens the file that `checkpointFile` names; without one, nothing is kept.
 *
 * @throws InterleaveError `invalid-option` for a file of another exploration
 */
export async function openCheckpoint({
  checkpointFile,
  faults,
  preemptionLimit,
}: Pick<ExploreOptions<unknown>, 'checkpointFile' | 'faults' | 'preemptionLimit'>): Promise<CheckpointFile> {
  if (checkpointFile === undefined) return { saved: undefined, save: async () => {}, end: async () => {} };
  const file = checkpointFile;
  const search = JSON.stringify({ faults, preemptionLimit });
  const saved = await read(file, search);
  let nextMs = performance.now() + SAVE_PAUSE_MS;
  let last: Promise<void> = Promise.resolve();

  /** Whole or not at all: a process may die while it writes. */
  async function write(state: Checkpoint): Promise<void> {
    await writeFile(`${file}.new`, serialize({ search, state }));
    await rename(`${file}.new`, file);
  }
  return {
    saved,
    save: async (state) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + SAVE_PAUSE_MS;
      const now = state();
      // Lanes may save at the same time, and to the same file.
      last = last.then(() => write(now));
      await last;
    },
    end: async (isComplete, state) => (isComplete ? rm(file, { force: true }) : write(state())),
  };
}

async function read(file: string, search: string): Promise<Checkpoint | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const found = deserialize(content) as { readonly search?: unknown; readonly state: Checkpoint };
  if (found.search === search) return found.state;
  throw new InterleaveError(
    'invalid-option',
    `${file} is of an exploration with other options (${String(found.search)}); delete it to begin anew.`,
  );
}
