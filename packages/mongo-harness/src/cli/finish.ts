import { dirname, relative } from 'node:path';
import type { ReplicaSet } from 'mongo-test-replica-set';
import { judgeRow, type Row } from '../report/row.ts';
import { say } from '../report/say.ts';
import { storeResult } from '../report/store.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { CommandContext } from './context.ts';
import { EXIT_CODES, exitCodeOf, type ExitCode } from './exit-codes.ts';

interface FinishOptions {
  readonly store: string;
  readonly json: boolean;
  /** Of the storms. */
  readonly seed?: number;
}

/** Stores the result, shows it, and says how it came out. @param show the rows for people; gets the result's folder */
export async function finish<T extends SystemTypes>(
  set: ReplicaSet,
  { system, interrupted, startedAt }: CommandContext<T>,
  rows: readonly Row[],
  { store, json, seed }: FinishOptions,
  show: (folder: string) => void = () => undefined,
): Promise<ExitCode> {
  const exitCode = interrupted.aborted ? EXIT_CODES.interrupted : exitCodeOf(rows.map(judgeRow));
  const { serverVersion: version, provider, storage, members } = set;
  const result = {
    version: 2,
    system: system.name,
    startedAt,
    ...(seed === undefined ? {} : { seed }),
    server: { version, provider, storage, members: members.length },
    exitCode,
    rows,
  } as const;
  const file = relative('', await storeResult(store, result));
  if (json) {
    say(JSON.stringify(result, undefined, 2));
    return exitCode;
  }
  show(dirname(file));
  const count = (judgement: ReturnType<typeof judgeRow>): number =>
    rows.filter((row) => judgeRow(row) === judgement).length;
  const unknown = count('unknown');
  say(`\nresult: ${file}`);
  say(`${count('passed')} passed, ${count('failed')} failed${unknown === 0 ? '' : `, ${unknown} unknown`}`);
  return exitCode;
}
