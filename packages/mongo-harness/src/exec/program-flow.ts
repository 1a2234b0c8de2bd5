import type { Flow, ProgramFlow } from '../system/flow.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { Programs } from './programs.ts';
import { databaseVariable } from './spawn-program.ts';

/** Each call under way has a process, and a small machine has few cores for them. */
const MAX_CONCURRENCY = 8;
/** Starting may mean compiling. */
const MAX_REHEARSAL_MS = 60_000;
const MAX_ANSWER_MS = 60_000;

/** A flow that may have processes of its own. */
export interface RunnableFlow<T extends SystemTypes> extends Flow<T> {
  /** Starts the processes and lets each make a call. @throws ProgramError where a process does not speak the protocol */
  readonly rehearse?: (rehearsal: Rehearsal<T>) => Promise<void>;
  /** Ends the processes. */
  readonly end?: () => Promise<void>;
}

/** An empty database to try a flow on. */
export interface Rehearsal<T extends SystemTypes> {
  readonly uri: string;
  readonly database: string;
  readonly service: T['service'];
  /** Calls that will be under way at once. */
  readonly count: number;
}

/**
 * A flow in any language: a command that reads calls and writes answers, a line of JSON each.
 *
 * @param system its name, for the variable that names the database
 * @param command run by the shell
 */
export function createProgramFlow<T extends SystemTypes>(
  system: string,
  { protocol, ...flow }: ProgramFlow<T>,
  command: string,
): RunnableFlow<T> {
  const programs = new Programs<T>(command, protocol);
  const variable = databaseVariable(system);
  return {
    ...flow,
    maxConcurrency: MAX_CONCURRENCY,
    rehearse: ({ uri, database, service, count }) =>
      programs.rehearse('', { uri, database, variable }, service, count, MAX_REHEARSAL_MS),
    end: () => programs.end(),
    open: (db, service, observer, { gated, uri, client }) => {
      const place = { uri, database: db.databaseName, variable };
      const post = client === undefined ? '' : `${db.databaseName} ${client}`;
      // At the gate a call waits for the others' calls; there the gate watches over the time.
      const maxAnswerMs = gated ? undefined : MAX_ANSWER_MS;
      return {
        call: async (caller, call) => {
          const answer = await programs.call(post, place, call, service, maxAnswerMs);
          const claim = protocol.toClaim?.(caller, call, answer);
          if (claim !== undefined) observer.claimed(claim);
          return answer;
        },
      };
    },
  };
}
