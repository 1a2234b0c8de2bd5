import type { Schedule, Switch } from '../schedule/outline.ts';
import { canHit, type EnabledStep, type Scheduler } from '../schedule/scheduler.ts';

/** Schedules by an outline, as far as the flows allow it: a switch to a client that is not enabled is skipped. */
export function outlineScheduler({ clients, switches, faults }: Schedule): Scheduler {
  const released = new Map<number, number>();
  const used = new Set<Switch>();
  let current: number | undefined = clients[0];

  function stepInTurn(enabled: readonly EnabledStep[]): EnabledStep | undefined {
    const stepOf = (client: number | undefined): EnabledStep | undefined =>
      enabled.find(({ choice }) => choice.client === client);
    if (stepOf(current) === undefined) current = clients.find((client) => stepOf(client) !== undefined);
    const due = switches.find(
      (one) => one.client === current && one.after === (released.get(one.client) ?? 0) && !used.has(one),
    );
    if (due !== undefined) {
      used.add(due);
      if (stepOf(due.to) !== undefined) current = due.to;
    }
    return stepOf(current);
  }

  return {
    participants: new Set(clients),
    next: (enabled) => {
      const step = stepInTurn(enabled) ?? enabled[0];
      if (step === undefined) throw new TypeError('No step is enabled.');
      const { client } = step.choice;
      const after = released.get(client) ?? 0;
      released.set(client, after + 1);
      const fault = faults.find((one) => one.client === client && one.after === after);
      return fault === undefined || !canHit(step, fault.kind)
        ? step
        : { ...step, choice: { ...step.choice, fault: fault.kind } };
    },
    executed: () => undefined,
    restart: () => {
      released.clear();
      used.clear();
      current = clients[0];
    },
  };
}
