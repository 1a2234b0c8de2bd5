import { writeFileSync } from 'node:fs';
import type { GeneratedIds } from '../footprint/generated-ids.ts';
import type { Transactions } from '../footprint/transactions.ts';
import type { Gate } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { EnabledStep, Scheduler } from '../schedule/scheduler.ts';
import { formatToken, type Choice } from '../schedule/token.ts';
import { describe, enabledSteps, waitingOf } from './enabled-steps.ts';
import type { ExecutedStep, Execution, Outcome } from './execution.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { InterleaveOptions } from './interleave-options.ts';
import { Numbering, type Numbered } from './numbering.ts';
import { hasSeveralWrites } from './several-writes.ts';
import { takeStep } from './take-step.ts';
import type { TraceStep } from './trace-step.ts';
import type { TraceWriter } from './trace-writer.ts';
import type { Upserts } from './upserts.ts';
import type { WriteProbe } from './write-probe.ts';

export interface RunSetup<T> {
  readonly gate: Gate;
  readonly clients: readonly GatedClient[];
  readonly transactions: Transactions;
  readonly generatedIds: GeneratedIds;
  readonly writer: TraceWriter;
  readonly faults: FaultInjector;
  readonly upserts: Upserts;
  readonly probe: WriteProbe;
  readonly onStep: (step: TraceStep) => Promise<void> | void;
  readonly options: Pick<InterleaveOptions<T>, 'flow' | 'database' | 'tokenFile'> & { readonly maxSteps: number };
}

/**
 * Runs one schedule. Each step waits until every live client is at the gate or done, asks the scheduler, releases one command and
 * delivers its reply.
 *
 * @throws InterleaveError `stuck`, `step-limit`, and the errors of the gate. The clients then hang at the gate
 */
export async function executeRun<T>(setup: RunSetup<T>, scheduler: Scheduler): Promise<Execution<T>> {
  const { gate, transactions, options } = setup;
  const flows = setup.clients.map((client): Promise<Outcome<T>> =>
    scheduler.participants?.has(client.index) === false ? Promise.resolve({ kind: 'absent' }) : enter(setup, client, 0),
  );
  const lives = flows.map(() => 0);
  const numbering = new Numbering();
  const steps: ExecutedStep[] = [];
  const trace: TraceStep[] = [];
  let refusal: unknown;
  for (;;) {
    const held = numbering.number(await gate.quiet());
    if (held.length === 0) break;
    const enabled = await enabledSteps(held, setup);
    const [first] = enabled;
    if (first === undefined) {
      await waitForCrashed(setup, held);
      continue;
    }
    if (steps.length === options.maxSteps) throw tooLong(options.maxSteps, steps);
    let chosen = first;
    try {
      if (refusal === undefined) chosen = scheduler.next(enabled, steps.length);
    } catch (error) {
      refusal = error;
    }
    const { choice, command } = chosen;
    const waiting = waitingOf(held, enabled, transactions);
    if (options.tokenFile !== undefined) saveToken(options.tokenFile, [...choicesOf(steps), choice]);
    const { step, reply, restarted, ...touched } = await takeStep(setup, command, choice.fault);
    const footprint = setup.generatedIds.rename(touched.footprint, choice.client);
    trace.push({ ...step, ...waiting });
    await setup.onStep(step);
    const { body } = command;
    const several = hasSeveralWrites(body, reply);
    steps.push({
      choice,
      enabledClients: clientsOf(enabled),
      footprint,
      command: body,
      reply,
      hasSeveralWrites: several,
    });
    if (refusal === undefined) scheduler.executed(footprint);
    if (restarted !== undefined) {
      const { index } = restarted;
      const life = (lives[index] ?? 0) + 1;
      lives[index] = life;
      flows[index] = enter(setup, restarted, life);
    }
  }
  return { token: formatToken(choicesOf(steps)), steps, trace, outcomes: await Promise.all(flows), refusal };
}

function enter<T>({ gate, options }: RunSetup<T>, client: GatedClient, life: number): Promise<Outcome<T>> {
  const { index, letter, mongo, uri } = client;
  const flow = () => options.flow({ index, letter, mongo, uri, life }, mongo.db(options.database));
  return gate.enter(index, flow, client.underWay).then(
    (value) => ({ kind: 'returned', value }),
    (error: unknown) => ({ kind: 'threw', error }),
  );
}

/** All held commands wait. If they wait for transactions that crashed clients left open, the server ends those in time. */
async function waitForCrashed<T>({ transactions, faults }: RunSetup<T>, held: readonly Numbered[]): Promise<void> {
  const abandoned = transactions.abandonedSessions;
  if (abandoned.length === 0) throw stuck(held);
  await faults.waitForServerCleanup(abandoned);
  transactions.endAbandoned();
}

/** Overwrites without truncating: if the process dies during the write, the previous token survives. */
function saveToken(file: string, choices: readonly Choice[]): void {
  writeFileSync(file, `${formatToken(choices)}\n`, { flag: 'r+' });
}

const clientsOf = (enabled: readonly EnabledStep[]): number[] => [
  ...new Set(enabled.map(({ choice }) => choice.client)),
];

const choicesOf = (steps: readonly ExecutedStep[]): Choice[] => steps.map(({ choice }) => choice);

const stuck = (held: readonly Numbered[]): InterleaveError =>
  new InterleaveError(
    'stuck',
    `Each held command would wait in the server for an open transaction that no client will end: ${held.map(describe).join(', ')}.`,
  );

const tooLong = (maxSteps: number, steps: readonly ExecutedStep[]): InterleaveError => {
  const start = formatToken(choicesOf(steps)).slice(0, 200);
  return new InterleaveError(
    'step-limit',
    `The run did not end within ${maxSteps} steps (maxSteps). It began with ${start}`,
  );
};
