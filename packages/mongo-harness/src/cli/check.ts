import { Command } from 'commander';
import { counted, nameInvariant } from '../report/explored.ts';
import { readHistory } from '../report/history-file.ts';
import { say } from '../report/say.ts';
import { judgeStorm } from '../storm/judge.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import type { Violation } from '../system/violation.ts';
import type { CommandContext } from './context.ts';
import { EXIT_CODES, type ExitCode } from './exit-codes.ts';

export interface CheckOptions {
  readonly file: string;
}

export function checkCommand(command: string, chosen: (options: CheckOptions) => void): Command {
  return new Command('check')
    .description('Checks the history of a row again, without MongoDB; prints the invariants that it broke.')
    .argument('<file>', 'the history.json of a row: store/<time>/<row>/history.json')
    .addHelpText(
      'after',
      `
Examples:
  $ ${command} check store/latest/1-*/history.json

Exit codes: 0 no invariant broken, 1 an invariant broken, 2 nothing proven (nothing raced, cut off), 64 usage or no such history, 70 internal error, 141 output closed.`,
    )
    .allowExcessArguments(false)
    .action((file: string) => chosen({ file }));
}

/** A history again, through the same checker, with the same sentences. */
export async function check<T extends SystemTypes>(
  { file }: CheckOptions,
  { system }: CommandContext<T>,
): Promise<ExitCode> {
  const { trial, token, run, cutOff, verdict: recorded } = await readHistory<T>(file, system.name);
  const { verdict, reason, violations } = judgeStorm(system, run, cutOff);
  const calls = counted(run.history.operations.length, 'call');
  const schedule = token === undefined ? '' : `, schedule ${token}`;
  const why = reason === undefined ? '' : ` (${reason})`;
  say(`${trial.flow} on ${trial.deployment}, ${trial.scenario}, ${calls}${schedule}: ${verdict}${why}`);
  if (verdict !== recorded) say(`recorded as ${recorded}: the checker, or the file, has changed since`);
  const exitCode = sayViolations(system, violations);
  return verdict === 'unknown' ? EXIT_CODES.unknown : exitCode;
}

/** A line for each violation, as in `J1 (a job runs once): ...`. */
export function sayViolations<T extends SystemTypes>(
  { invariants }: Pick<System<T>, 'invariants'>,
  violations: readonly Violation[],
): ExitCode {
  for (const { invariant, sentence } of violations) say(`${nameInvariant(invariants, invariant)}: ${sentence}`);
  return violations.length === 0 ? EXIT_CODES.valid : EXIT_CODES.violated;
}
