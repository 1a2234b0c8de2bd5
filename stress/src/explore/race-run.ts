import type { FlowClient } from 'mongo-interleave';
import type { Db } from 'mongodb';
import type { Pool } from 'rotation-core';
import type { ToldOutcome } from '../history.ts';
import { Recorder } from '../storm/run-calls.ts';
import type { RunningFlow, Subject } from '../subjects/subject.ts';
import { operate } from './operate.ts';
import type { ClientPlan, Operated, PairCall } from './scenarios/pair-scenario.ts';
import { StepClock } from './step-clock.ts';

/** One schedule on its way: makes the clients' calls and writes down what they were told. */
export class RaceRun {
  readonly recorder: Recorder = new Recorder();
  readonly operated: Operated[] = [];
  readonly #clock = new StepClock();

  /** @returns what the client was told, as text for the trace */
  async follow(client: FlowClient, db: Db, subject: Subject, pool: Pool, plan: ClientPlan): Promise<string> {
    const unfollow = this.#clock.follow(client.mongo);
    try {
      return await this.#play(client, db, subject, pool, plan);
    } finally {
      unfollow();
    }
  }

  async #play(client: FlowClient, db: Db, subject: Subject, pool: Pool, plan: ClientPlan): Promise<string> {
    const flow = subject.open(db, pool, this.recorder, { gated: true });
    if ('calls' in plan) {
      const told = await Promise.all(plan.calls.map((call) => this.#call(client, flow, pool, call)));
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
      const begun = this.#clock.begin(client.mongo);
      const outcome = await flow.rotate(caller, keyId, time === 0 ? incarnation : undefined);
      this.recorder.operations.push({
        caller,
        process: client.index,
        pool: pool.name,
        keyId,
        invokedAtMs: begun.atStep,
        completedAtMs: this.#clock.now(),
        outcome,
      });
      told.push(`caller ${caller}: ${keyId} ${describe(outcome)}`);
      failed = 'replacement' in outcome ? outcome.replacement : undefined;
    }
    return told;
  }
}

function describe(outcome: ToldOutcome): string {
  if (outcome.kind === 'error') return `error ${outcome.code}`;
  const replacement = 'replacement' in outcome ? outcome.replacement : undefined;
  return replacement === undefined ? outcome.kind : `${outcome.kind} ${replacement}`;
}
