import { collectionOf } from '../gate/message.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { Execution } from '../run/execution.ts';
import type { Runner } from '../run/runner.ts';
import type { TraceStep } from '../run/trace-step.ts';
import { canHit, type EnabledStep, type Scheduler } from '../schedule/scheduler.ts';
import { formatChoice, formatToken, parseToken, type Choice } from '../schedule/token.ts';

/**
 * Runs the exact schedule of a token.
 *
 * @param recorded the trace of an earlier run: each step must then be the same command on the same collection
 * @throws InterleaveError `invalid-token`; `diverged` if the flows no longer fit the whole schedule
 */
export async function replay<T>(
  runner: Pick<Runner<T>, 'execute'>,
  token: string,
  recorded?: readonly TraceStep[],
): Promise<Execution<T>> {
  const choices = parseToken(token);
  const execution = await runner.execute(replayScheduler(choices, recorded));
  if (execution.failure?.code === 'diverged') throw diverged(`${execution.failure.message} ${OTHER_FLOW}`);
  const count = execution.steps.length;
  if (execution.failure !== undefined || count === choices.length) return execution;
  throw diverged(
    `The run was over after ${count} steps, but the schedule ${formatToken(choices)} has ${choices.length}. ${OTHER_FLOW}`,
  );
}

const OTHER_FLOW = 'Has the flow or reset changed since, or is it the token of another scenario? Then explore again.';

/** Schedules exactly these choices. `next` throws `diverged` if a choice is not enabled. */
export function replayScheduler(choices: readonly Choice[], recorded: readonly TraceStep[] = []): Scheduler {
  return {
    participants: new Set(choices.map(({ client }) => client)),
    length: choices.length,
    next(enabled, step) {
      const texts = enabled.map(({ text }) => text).join(', ');
      const choice = choices[step];
      if (choice === undefined) throw diverged(`The schedule ends after ${step} steps, but there is ${texts}.`);
      const found = enabled.find((one) => isSame(one.choice, choice));
      if (found === undefined)
        throw diverged(`Step ${step + 1} of the schedule is ${formatChoice(choice)}, but there is ${texts}.`);
      if (choice.fault !== undefined && !canHit(found, choice.fault))
        throw diverged(
          `Step ${step + 1} of the schedule is ${formatChoice(choice)}, but no such fault fits ${found.text}.`,
        );
      const expected = recorded[step];
      if (expected !== undefined && !isSameCommand(found, expected))
        throw diverged(`Step ${step + 1} was ${expected.command} ${expected.collection}, but there is ${found.text}.`);
      return { ...found, choice };
    },
    executed: () => undefined,
  };
}

const isSame = (one: Choice, other: Choice): boolean => one.client === other.client && one.position === other.position;

function isSameCommand({ command: { name, body } }: EnabledStep, expected: TraceStep): boolean {
  return name === expected.command && collectionOf(body) === expected.collection;
}

const diverged = (message: string): InterleaveError => new InterleaveError('diverged', message);
