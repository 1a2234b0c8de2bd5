import { isDeepStrictEqual } from 'node:util';
import type { FlowClient } from 'mongo-interleave';
import type { Db } from 'mongodb';
import { answerOf } from '../history/answer-of.ts';
import { Recorder, type Invocation } from '../history/recorder.ts';
import type { Flow, OpenFlow } from '../system/flow.ts';
import type { Fault, History, Operation } from '../system/history.ts';
import type { ClientPlan, PlannedCall } from '../system/scenario.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { StepClock } from './step-clock.ts';

/** One schedule on its way: makes the clients' calls and writes down what they were answered. */
export class ScheduleRecorder<T extends SystemTypes> {
  readonly #system: System<T>;
  readonly #recorder = new Recorder<T>();
  readonly #start: T['state'];
  readonly #between: T['state'][] = [];
  readonly #faults: Fault[] = [];
  readonly #clock = new StepClock();

  constructor(system: System<T>, start: T['state']) {
    this.#system = system;
    this.#start = start;
  }

  /** Times are steps. */
  history(): History<T> {
    const history = this.#recorder.history('steps');
    return this.#faults.length === 0 ? history : { ...history, faults: this.#faults };
  }

  /** To be told of each step of a client. @param fault what went wrong at it, if anything */
  step(client: number, fault?: string): void {
    this.#clock.step(client);
    if (fault !== undefined) this.#faults.push({ kind: fault, process: client, atMs: this.#clock.now() });
  }

  /** Committed states on the way, each of which differs from the one before it. */
  get between(): readonly T['state'][] {
    return this.#between;
  }

  /** To be told what is committed after a step that may have written. */
  committed(state: T['state']): void {
    if (!isDeepStrictEqual(state, this.#between.at(-1) ?? this.#start)) this.#between.push(state);
  }

  /** Does a client's part. @returns what it was answered, as text for the trace */
  async play(client: FlowClient, db: Db, flow: Flow<T>, service: T['service'], plan: ClientPlan<T>): Promise<string> {
    const surroundings = { gated: true, uri: client.uri, client: client.index };
    const open = flow.open(db, service, this.#recorder, surroundings);
    const told: string[] = [];
    if ('operator' in plan) {
      for (const call of plan.operator)
        told.push(...(await this.#call(client, open, service, { caller: client.index, call })));
    } else {
      const calls = plan.calls.map((call) => this.#call(client, open, service, call));
      told.push(...(await Promise.all(calls)).flat());
      // What goes on after the answer is held at the gate as well.
      await open.idle?.();
    }
    return told.join(', ');
  }

  async #call(
    client: FlowClient,
    flow: OpenFlow<T>,
    service: T['service'],
    { caller, call, follow = 0 }: PlannedCall<T>,
  ): Promise<string[]> {
    const { next, show } = this.#system;
    const told: string[] = [];
    let asked: T['call'] | undefined = call;
    for (let time = 0; time <= follow && asked !== undefined; time++) {
      const invocation: Invocation<T> = {
        caller,
        process: client.index,
        service: service.name,
        call: asked,
        invoked: this.#clock.invoke(client.index),
      };
      this.#recorder.invoke(invocation);
      const answer: Operation<T>['answer'] = await answerOf(flow, caller, asked);
      this.#recorder.answer(invocation, answer, this.#clock.now());
      told.push(`caller ${caller}: ${show?.operation?.(asked, answer) ?? JSON.stringify([asked, answer])}`);
      asked = next?.(asked, answer);
    }
    return told;
  }
}
