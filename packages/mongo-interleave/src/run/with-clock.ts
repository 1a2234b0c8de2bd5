import { CLOCK_FIELD, resetClock, tick } from './clock.ts';
import { disposeOf } from './dispose-of.ts';
import type { InterleaveOptions } from './interleave-options.ts';

/** Adds the client whose steps are the ticks, after the clients of the scenario. `check` does not get its outcome. */
export function withClock<T, P>(options: InterleaveOptions<T, P>): InterleaveOptions<T, P> {
  const { clock, clients, reset, flow, check, prepare, dispose, showFields = [] } = options;
  if (clock === undefined) return options;
  return {
    ...options,
    clients: clients + 1,
    showFields: [...showFields, CLOCK_FIELD],
    reset: async (db) => {
      await resetClock(db, clock);
      await reset(db);
    },
    flow: async (client, db, prepared) => {
      if (client.index < clients) return flow(client, db, prepared);
      await tick(db, clock);
      // Nobody sees this outcome.
      return undefined as T;
    },
    check: (db, outcomes) => check(db, outcomes.slice(0, clients)),
    ...(prepare === undefined
      ? {}
      : {
          // The clock's flow makes no use of it.
          prepare: (client, db) => (client.index < clients ? prepare(client, db) : Promise.resolve(undefined as P)),
        }),
    dispose: async (prepared, client) => {
      if (client.index < clients) await disposeOf(prepared, client, dispose);
    },
  };
}
