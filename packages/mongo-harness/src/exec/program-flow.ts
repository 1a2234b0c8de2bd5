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
  /**
   * Starts the processes and lets each make a call.
   *
   * @returns how many calls each of them takes at once
   * @throws ProgramError where a process does not speak the protocol
   */
  readonly rehearse?: (rehearsal: Rehearsal<T>) => Promise<number>;
  /** At the gate: starts the process of a client, whose commands pass until this is over. */
  readonly prepare?: (client: GatedPlace) => Promise<void>;
  /** Ends the processes. */
  readonly end?: () => Promise<void>;
}

/** Where the process of a client at the gate finds its data. */
export interface GatedPlace {
  readonly uri: string;
  readonly database: string;
  readonly client: number;
}

/** An empty database to try a flow on. */
export interface Rehearsal<T extends SystemTypes> {
  readonly uri: string;
  readonly database: string;
  readonly service: T['service'];
  /** Calls that will be under way at once. */
  readonly count: number;
}

export interface ProgramOptions {
  /** Run by the shell. */
  readonly command: string;
  /** At the gate, each run starts the processes anew. Default: a client keeps its process from run to run. */
  readonly isFresh?: boolean;
}

/**
 * A flow in any language: a command that reads calls and writes answers, a line of JSON each.
 *
 * @param system its name, for the variable that names the database
 */
export function createProgramFlow<T extends SystemTypes>(
  system: string,
  { protocol, ...flow }: ProgramFlow<T>,
  { command, isFresh = false }: ProgramOptions,
): RunnableFlow<T> {
  const programs = new Programs<T>(command, protocol);
  const variable = databaseVariable(system);
  return {
    ...flow,
    maxConcurrency: MAX_CONCURRENCY,
    rehearse: ({ uri, database, service, count }) =>
      programs.rehearse('', { uri, database, variable }, service, count, MAX_REHEARSAL_MS),
    prepare: ({ uri, database, client }) => programs.prepare(postOf(database, client), { uri, database, variable }),
    end: () => programs.end(),
    open: (db, service, observer, { gated, uri, client }) => {
      const place = { uri, database: db.databaseName, variable };
      const post = postOf(db.databaseName, client);
      const fresh = gated && isFresh ? programs.restart(post) : undefined;
      // At the gate a call waits for the others' calls; there the gate watches over the time.
      const maxAnswerMs = gated ? undefined : MAX_ANSWER_MS;
      return {
        call: async (caller, call) => {
          await fresh;
          const answer = await programs.call(post, place, call, service, maxAnswerMs);
          const claim = protocol.toClaim?.(caller, call, answer);
          if (claim !== undefined) observer.claimed(claim);
          return answer;
        },
      };
    },
  };
}

/** Each client at the gate has programs of its own. */
const postOf = (database: string, client: number | undefined): string =>
  client === undefined ? '' : `${database} ${client}`;
