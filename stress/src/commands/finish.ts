import { relative } from 'node:path';
import type { ReplicaSet } from 'mongo-replica-set';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { judge, type RunResult } from '../report/run-result.ts';
import { say } from '../report/say.ts';
import { storeResult, type StoredResult } from '../report/store.ts';

interface FinishOptions {
  readonly store: string;
  readonly json: boolean;
}

type Finished = Pick<StoredResult, 'startedAt' | 'seed' | 'runs'> & {
  readonly set: ReplicaSet;
  readonly interrupted: AbortSignal;
  /** The rows for people. */
  readonly show: (runs: readonly RunResult[]) => void;
};

/** Stores the result, shows it, and says how it came out. */
export async function finish(
  { set, interrupted, show, startedAt, runs, ...more }: Finished,
  { store, json }: FinishOptions,
): Promise<ExitCode> {
  const exitCode = interrupted.aborted ? exitCodes.interrupted : exitCodeOf(runs);
  const { serverVersion: version, provider, storage, members } = set;
  const server = { version, provider, storage, members: members.length };
  const result = { version: 1 as const, startedAt, ...more, server, exitCode, runs };
  const file = await storeResult(store, result);
  if (json) {
    say(JSON.stringify(result, undefined, 2));
    return exitCode;
  }
  show(runs);
  const count = (judgement: ReturnType<typeof judge>): number => runs.filter((run) => judge(run) === judgement).length;
  const unknown = count('unknown');
  say(`\nresult: ${relative('', file)}`);
  say(`${count('passed')} passed, ${count('failed')} failed${unknown === 0 ? '' : `, ${unknown} unknown`}`);
  return exitCode;
}

function exitCodeOf(runs: readonly RunResult[]): ExitCode {
  const judgements = new Set(runs.map(judge));
  if (judgements.has('failed')) return exitCodes.violated;
  return judgements.has('unknown') ? exitCodes.unknown : exitCodes.valid;
}
