import { join } from 'node:path';
import type { Run } from '../system/run.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { HISTORY_VERSION, writeHistory } from './history-file.ts';
import { folderOf } from './store.ts';
import type { Row } from './row.ts';

/** Keeps the histories of rows that were violated or unknown: `<store>/<time>/<row>/history.json`. */
export class Evidence {
  readonly #folder: string;
  readonly #system: string;
  #kept = 0;

  /** @param startedAt names the folder, as in `storeResult` @param system its name */
  constructor(store: string, startedAt: string, system: string) {
    this.#folder = join(store, folderOf(startedAt));
    this.#system = system;
  }

  /** @param cutOff why the run was ended in the middle @returns the row, which names the file where one was written */
  async keep<T extends SystemTypes>(row: Row, run: Run<T>, cutOff?: string): Promise<Row> {
    const { trial, verdict, violations, exploration } = row;
    if (verdict === 'valid') return row;
    const name = [++this.#kept, trial.scenario, trial.flow, trial.deployment].join('-');
    const history = join(name, 'history.json');
    await writeHistory<T>(join(this.#folder, history), {
      version: HISTORY_VERSION,
      system: this.#system,
      trial,
      ...(exploration?.token === undefined ? {} : { token: exploration.token }),
      verdict,
      ...(cutOff === undefined ? {} : { cutOff }),
      violations,
      run,
    });
    return { ...row, history };
  }
}
