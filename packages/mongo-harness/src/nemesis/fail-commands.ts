import type { Document } from 'mongodb';
import { setFailPoint } from './fail-points.ts';
import type { FaultMethod } from './fault-method.ts';
import { between, hold } from './hold.ts';

/** What a server answers while it stops or steps down, or cannot reach another; drivers may send such a command again. */
const RETRYABLE_CODES = [6, 7, 89, 91, 189, 262, 9_001, 10_107, 11_600, 11_602, 13_435, 13_436];
/** What a transaction may meet on a healthy server: Interrupted, WriteConflict, NoSuchTransaction, the end of its lifetime. */
const TRANSACTION_CODES = [112, 251, 290, 11_601];

const COMMANDS = ['find', 'aggregate', 'getMore', 'insert', 'update', 'delete', 'findAndModify', 'bulkWrite'];
const COMMIT = ['commitTransaction'];
const MIN_ON_MS = 1_000;
const MAX_ON_MS = 3_000;
/** https://github.com/mongodb/mongo/wiki/The-failCommand-Fail-Point; set on all members, for another one may become primary. */
const FAIL_POINT = 'failCommand';

interface Failing {
  readonly commands: readonly string[];
  readonly minProbability: number;
  readonly maxProbability: number;
  /** What happens to a command, in groups of which each is as likely as the others. */
  readonly outcomes: readonly (readonly Outcome[])[];
}

interface Outcome {
  readonly name: string;
  /** Of the fail point. */
  readonly data: Document;
}

const withCode = (errorCode: number): Outcome => ({
  name: `error ${errorCode}`,
  data: { errorCode },
});
const CLOSED = { name: 'connection closed', data: { closeConnection: true } };

/** Each was made, and the caller is told an error of the write concern. */
const MADE = [91, 189, 11_600, 11_602].map((code) => ({
  name: `made, and told error ${code}`,
  data: { writeConcernError: { code, errmsg: 'the commit was made, and its caller is told otherwise' } },
}));

const pick = <T>(from: readonly T[], random: () => number): T | undefined => from[Math.floor(random() * from.length)];

const failing =
  ({ commands, minProbability, maxProbability, outcomes }: Failing): FaultMethod =>
  async ({ set: { members }, appName, random }) => {
    const outcome = pick(pick(outcomes, random) ?? [], random) ?? CLOSED;
    const onMs = between(MIN_ON_MS, MAX_ON_MS, random);
    const probability = between(minProbability, maxProbability, random);
    const on = {
      mode: { activationProbability: probability },
      data: { failCommands: commands, appName, ...outcome.data },
    };
    return {
      target: `${(100 * probability).toFixed(0)} % of commands: ${outcome.name}`,
      run: async (signal) => {
        const failPoint = await setFailPoint(FAIL_POINT, members, on);
        await hold(onMs, signal);
        return await failPoint.end();
      },
    };
  };

export const failCommand: FaultMethod = failing({
  commands: [...COMMANDS, ...COMMIT],
  minProbability: 0.05,
  maxProbability: 0.5,
  outcomes: [[CLOSED, ...[...RETRYABLE_CODES, ...TRANSACTION_CODES].map(withCode)]],
});

export const commitUnknown: FaultMethod = failing({
  commands: COMMIT,
  minProbability: 0.3,
  maxProbability: 1,
  outcomes: [[CLOSED, ...RETRYABLE_CODES.map(withCode)], MADE],
});
