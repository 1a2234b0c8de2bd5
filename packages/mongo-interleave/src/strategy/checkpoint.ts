import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { deserialize, serialize } from 'node:v8';
import type { Footprint } from '../footprint/footprint.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { Observed } from './dependence.ts';
import type { ExploreOptions } from './explore-options.ts';
import type { SearchState } from './sleep-set-search.ts';
import type { SummaryState } from './summary.ts';

/** An unfinished exploration, as plain data. */
export interface Checkpoint {
  readonly counts: { readonly classes: number; readonly redundant: number; readonly fractionDone: number };
  /** The token of the simplest run of each failure, and the number of its classes. */
  readonly violations: readonly { readonly token: string; readonly classes: number }[];
  readonly summary: SummaryState;
  readonly searches: readonly SearchState<Footprint>[];
  /** What the searches know of dependent steps. */
  readonly observed: Observed;
}

export interface CheckpointFile {
  /** What the file held when it was opened; undefined if there was none. */
  readonly saved: Checkpoint | undefined;
  /** Writes the state, unless it was written within the last {@link SAVE_PAUSE_MS} ms. */
  save(state: () => Checkpoint): Promise<void>;
  /** Writes the state a last time, or deletes the file if the search is complete. */
  end(isComplete: boolean, state: () => Checkpoint): Promise<void>;
}

/** Goes up when the stored data change. Version 1 had no number in the file. */
const VERSION = 4;
const SAVE_PAUSE_MS = 2_000;

/**
 * Opens the file that `checkpointFile` names. Without that option nothing is saved.
 *
 * @throws InterleaveError `invalid-option` for a file of another version or of an exploration with other options
 */
export async function openCheckpoint(
  {
    checkpointFile,
    faults,
    maxPreemptions,
    everyState,
  }: Pick<ExploreOptions<unknown>, 'checkpointFile' | 'faults' | 'maxPreemptions' | 'everyState'>,
  clients: number,
): Promise<CheckpointFile> {
  if (checkpointFile === undefined) return { saved: undefined, save: async () => {}, end: async () => {} };
  const file = checkpointFile;
  const options = JSON.stringify({ clients, faults, maxPreemptions, everyState });
  const saved = await read(file, options);
  let nextMs = performance.now() + SAVE_PAUSE_MS;
  let last: Promise<void> = Promise.resolve();

  /** Writes a new file and renames it: if the process dies during the write, the previous checkpoint survives. */
  async function write(state: Checkpoint): Promise<void> {
    await writeFile(`${file}.new`, serialize({ version: VERSION, options, state }));
    await rename(`${file}.new`, file);
  }
  return {
    saved,
    save: async (state) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + SAVE_PAUSE_MS;
      const now = state();
      // One write after the other: two workers that save at once would write to the same new file.
      last = last.then(() => write(now));
      await last;
    },
    end: async (isComplete, state) => (isComplete ? rm(file, { force: true }) : write(state())),
  };
}

async function read(file: string, options: string): Promise<Checkpoint | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  const found = deserialize(content) as {
    readonly version?: number;
    readonly options?: string;
    readonly state: Checkpoint;
  };
  if (found.version !== VERSION) throw refused(file, `has format version ${found.version ?? 1}, not ${VERSION}`);
  if (found.options !== options) throw refused(file, `belongs to an exploration with other options (${found.options})`);
  return found.state;
}

const refused = (file: string, why: string): InterleaveError =>
  new InterleaveError('invalid-option', `The checkpoint ${file} ${why}. Delete the file to start a new exploration.`);
