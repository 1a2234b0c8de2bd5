import type { FlowClient } from 'mongo-interleave';
import type { Db } from 'mongodb';
import type { Pool } from 'rotation-core';
import type { History, Operation, ToldOutcome } from '../history.ts';
import type { PoolState } from '../pool-state.ts';
import { Recorder } from '../storm/run-calls.ts';
import type { RunningFlow, Subject } from '../subjects/subject.ts';
import { operate } from './operate.ts';
import type { ClientPlan, Operated, PairCall } from './scenarios/pair-scenario.ts';
import { StepClock } from './step-clock.ts';

/** One schedule on its way: makes the clients' calls and writes down what they were told. */
export class RaceRun {
  readonly #recorder = new Recorder();
  readonly operated: Operated[] = [];
  /** Committed states that were looked at on the way. */
  readonly between: PoolState[] = [];
  readonly #unanswered = new Set<Unanswered>();
  readonly #clock = new StepClock();

  /** What happened; times are steps. Who has no answer when the run is over will never have one: its client crashed. */
  history(): History {
    const crashed = [...this.#unanswered].map((call) => operationOf(call, Infinity, { kind: 'crashed' }));
    const { operations, ...rest } = this.#recorder.history();
    return { unit: 'steps', operations: [...operations, ...crashed], ...rest };
  }

  /** To be told of each step. */
  step(client: number): void {
    this.#clock.step(client);
  }

  /** @returns what the client was told, as text for the trace */
  async follow(client: FlowClient, db: Db, subject: Subject, pool: Pool, plan: ClientPlan): Promise<string> {
    const surroundings = { gated: true, uri: client.uri, client: client.index };
    const flow = subject.open(db, pool, this.#recorder, surroundings);
    if ('calls' in plan) {
      const told = await Promise.all(plan.calls.map((call) => this.#call(client, flow, pool, call)));
      // What goes on after the answer is held at the gate as well.
      await flow.idle?.();
      return told.flat().join(', ');
    }
    const told: string[] = [];
    for (const step of plan.operator) {
      const operated = { step, told: await operate(step, db, pool, flow) };
      this.operated.push(operated);
      told.push(`${step.kind} ${operated.told}`);
    }
    return told.join(', ');
  }

  async #call(client: FlowClient, flow: RunningFlow, pool: Pool, call: PairCall): Promise<string[]> {
    const { caller, follow = 0, incarnation } = call;
    const told: string[] = [];
    let failed: string | undefined = call.keyId;
    for (let time = 0; time <= follow && failed !== undefined; time++) {
      const keyId: string = failed;
      const begun = this.#clock.begin(client.index);
      const unanswered = { caller, process: client.index, pool: pool.name, keyId, begun };
      this.#unanswered.add(unanswered);
      const outcome = await flow.rotate(caller, keyId, time === 0 ? incarnation : undefined);
      this.#unanswered.delete(unanswered);
      this.#recorder.operations.push(operationOf(unanswered, this.#clock.now(), outcome));
      told.push(`caller ${caller}: ${keyId} ${describe(outcome)}`);
      failed = 'replacement' in outcome ? outcome.replacement : undefined;
    }
    return told;
  }
}

interface Unanswered extends Pick<Operation, 'caller' | 'process' | 'pool' | 'keyId'> {
  readonly begun: { readonly atStep: number };
}

const operationOf = ({ begun, ...call }: Unanswered, completedAtMs: number, outcome: ToldOutcome): Operation => ({
  ...call,
  invokedAtMs: begun.atStep,
  completedAtMs,
  outcome,
});

function describe(outcome: ToldOutcome): string {
  if (outcome.kind === 'error') return `error ${outcome.code}`;
  const replacement = 'replacement' in outcome ? outcome.replacement : undefined;
  return replacement === undefined ? outcome.kind : `${outcome.kind} ${replacement}`;
}
