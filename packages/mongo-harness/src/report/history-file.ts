import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Run } from '../system/run.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Verdict, Violation } from '../system/violation.ts';
import type { ExplorationTrial, StormTrial } from '../trial/trial.ts';
import { UsageError } from '../trial/usage-error.ts';

/** All that a checker has seen of a run, so that it can be judged again without MongoDB. Holds no credentials. */
export interface HistoryFile<T extends SystemTypes> {
  readonly version: typeof HISTORY_VERSION;
  /** The system's name. */
  readonly system: string;
  readonly trial: StormTrial | ExplorationTrial;
  /** The schedule, where the run was one at the gate. */
  readonly token?: string;
  readonly verdict: Verdict;
  /** Why the run was ended in the middle, if it was. */
  readonly cutOff?: string;
  readonly violations: readonly Violation[];
  readonly run: Run<T>;
}

export const HISTORY_VERSION = 1;

export async function writeHistory<T extends SystemTypes>(file: string, history: HistoryFile<T>): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(history)}\n`);
}

/** @throws UsageError where the file can't be read, or is no history of this version and system */
export async function readHistory<T extends SystemTypes>(file: string, system: string): Promise<HistoryFile<T>> {
  const parsed = parse(file, await read(file));
  if (!Array.isArray(parsed.run?.history?.operations) || parsed.trial?.flow === undefined)
    throw new UsageError(
      `${file} is no history: give the history.json of a row, as in store/latest/<row>/history.json.`,
    );
  if (parsed.version !== HISTORY_VERSION)
    throw new UsageError(
      `${file} has version ${String(parsed.version)}, and this program reads ${HISTORY_VERSION}: run the row again.`,
    );
  if (parsed.system !== system)
    throw new UsageError(`${file} is a history of the system ${String(parsed.system)}, not of ${system}.`);
  return parsed as HistoryFile<T>;
}

const read = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((error: unknown) => {
    throw new UsageError(`${file} can't be read: ${error instanceof Error ? error.message : String(error)}`);
  });

function parse(file: string, text: string): Partial<HistoryFile<SystemTypes>> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<HistoryFile<SystemTypes>>;
  } catch (error) {
    throw new UsageError(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
}
