import { createHash } from 'node:crypto';
import { access, constants, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { inspect } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import type { Footprint } from '../footprint/footprint.ts';
import type { SteadyState } from '../footprint/start-states.ts';
import { InterleaveError } from '../interleave-error.ts';
import { namedError } from '../run/error-lines.ts';
import type { InterleaveOptions } from '../run/interleave-options.ts';
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
  /** What they took to be the same in each start state. */
  readonly startStates: SteadyState;
}

export interface CheckpointFile {
  /** What the file held when it was opened; undefined if there was none. */
  readonly saved: Checkpoint | undefined;
  /** Writes the state, unless it was written within the last {@link SAVE_PAUSE_MS} ms. What can't be written is written the next time. */
  save(state: () => Checkpoint): Promise<void>;
  /**
   * Writes the state a last time, or deletes the file if the search is complete.
   *
   * @throws InterleaveError `invalid-option` if the file can't be written
   */
  end(isComplete: boolean, state: () => Checkpoint): Promise<void>;
  /** The error of a search that meets other commands than the search that was saved. */
  foreign(diverged: Error): InterleaveError;
}

/** What was saved belongs to a scenario with these parts: a text each, by name. */
type Parts = Readonly<Record<string, string>>;

/** What the file holds. */
interface Content {
  readonly version?: number;
  readonly options?: string;
  readonly parts: Parts;
  readonly state: Checkpoint;
}

/** Goes up when the stored data change. Version 1 had no number in the file. */
const VERSION = 5;
const SAVE_PAUSE_MS = 2_000;

/**
 * Opens the file that `checkpointFile` names. Without that option nothing is saved.
 *
 * @param parts of the scenario, see {@link partsOf}
 * @throws InterleaveError `invalid-option` for a file that is no checkpoint, or that of another version, of an exploration with other
 *   options, or of another scenario; and for a file that can't be written
 */
export async function openCheckpoint(
  {
    checkpointFile,
    faults,
    maxPreemptions,
    everyState,
  }: Pick<ExploreOptions<unknown>, 'checkpointFile' | 'faults' | 'maxPreemptions' | 'everyState'>,
  clients: number,
  parts: Parts,
): Promise<CheckpointFile> {
  const file = checkpointFile ?? '';
  const foreign = ({ message }: Error): InterleaveError => refused(file, `belongs to another flow: ${message}`);
  if (checkpointFile === undefined) return { saved: undefined, save: async () => {}, end: async () => {}, foreign };
  const options = JSON.stringify({ clients, faults, maxPreemptions, everyState });
  const saved = await read(file, options, parts);
  await expectWritable(file);
  let nextMs = performance.now() + SAVE_PAUSE_MS;
  let last: Promise<void> = Promise.resolve();

  /** Writes a new file and renames it: if the process dies during the write, the previous checkpoint survives. */
  async function write(state: Checkpoint): Promise<void> {
    await writeFile(`${file}.new`, serialize({ version: VERSION, options, parts, state } satisfies Content));
    await rename(`${file}.new`, file);
  }
  return {
    saved,
    save: async (state) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + SAVE_PAUSE_MS;
      const now = state();
      // One write after the other: two workers that save at once would write to the same new file.
      last = last.then(() => write(now)).catch(() => undefined);
      await last;
    },
    end: async (isComplete, state) => {
      try {
        await (isComplete ? rm(file, { force: true }) : write(state()));
      } catch (error) {
        throw unusable(file, error);
      }
    },
    foreign,
  };
}

/**
 * What tells a scenario from another: the texts of its functions, and the options that decide what its runs do. Classes that one `check`
 * found valid are not valid by another. What the functions call is not noticed.
 */
export function partsOf<T, P>(options: InterleaveOptions<T, P>): Parts {
  const { flow, reset, check, prepare, dispose, onStep, ...others } = options;
  const { clock, clientOptions, freshLives, retriesAtOnce, crashedTransactions, errorCode, maxSteps } = others;
  const functions = { flow, reset, check, prepare, dispose, onStep };
  const values = { clock, clientOptions, freshLives, retriesAtOnce, crashedTransactions, errorCode, maxSteps };
  return Object.fromEntries([
    ...Object.entries(functions).map(([name, value]) => [name, value === undefined ? '' : digestOf(String(value))]),
    ...Object.entries(values).map(([name, value]) => [
      name,
      value === undefined ? '' : digestOf(inspect(value, INSPECTED)),
    ]),
  ]);
}

const INSPECTED = { depth: 6, sorted: true, customInspect: false } as const;

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

async function read(file: string, options: string, parts: Parts): Promise<Checkpoint | undefined> {
  const found = await contentOf(file);
  if (found === undefined) return undefined;
  if (found.version !== VERSION) throw refused(file, `has format version ${found.version ?? 1}, not ${VERSION}`);
  if (found.options !== options) throw refused(file, `belongs to an exploration with other options (${found.options})`);
  const changed = Object.keys(parts).filter((name) => parts[name] !== found.parts[name]);
  if (changed.length > 0)
    throw refused(
      file,
      `belongs to another scenario: ${changed.join(', ')} ${changed.length > 1 ? 'have' : 'has'} changed`,
    );
  return found.state;
}

/** @returns undefined if there is no such file */
async function contentOf(file: string): Promise<Content | undefined> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EISDIR')
      throw new InterleaveError('invalid-option', `checkpointFile: ${file} is a folder. Name a file.`);
    throw unusable(file, error);
  }
  try {
    const found: unknown = deserialize(content);
    if (typeof found === 'object' && found !== null && 'state' in found) return found as Content;
  } catch {
    // Not a serialized value.
  }
  throw refused(file, 'is no checkpoint');
}

async function expectWritable(file: string): Promise<void> {
  const folder = dirname(resolve(file));
  try {
    await access(folder, constants.W_OK);
  } catch (error) {
    throw unusable(file, error);
  }
}

const unusable = (file: string, cause: unknown): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `checkpointFile: ${file} can't be read and written (${namedError(cause)}). Is its folder there?`,
    { cause },
  );

/** The reason is the end of a sentence. */
const refused = (file: string, why: string): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `The checkpoint ${file} ${why.replace(/\.$/, '')}. Delete the file to start a new exploration, or name another.`,
  );
