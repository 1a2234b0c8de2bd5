import type { ToldOutcome } from '../../history.ts';
import { ProgramError } from './program-error.ts';
import { Program } from './program.ts';
import type { ProgramPlace } from './spawn-program.ts';

/** One for each call under way; more than this is a mistake. */
const PROGRAMS_MAX = 200;

interface Crew {
  readonly place: ProgramPlace;
  readonly all: Set<Program>;
  readonly idle: Program[];
}

/** The programs of one command: each serves one call at a time, and is kept for the next one. */
export class Programs implements AsyncDisposable {
  readonly #command: string;
  readonly #crews = new Map<string, Crew>();
  readonly #dying = new Set<Promise<void>>();

  constructor(command: string) {
    this.#command = command;
  }

  /**
   * Makes one call, in a program of its own as long as it lasts.
   *
   * @param post whose programs: where the place changes, those that worked there are killed, and their calls stay without answer
   */
  async rotate(post: string, place: ProgramPlace, pool: string, key: string, limitMs?: number): Promise<ToldOutcome> {
    const crew = this.#crewAt(post, place);
    const program = crew.idle.pop() ?? this.#start(crew);
    const outcome = await program.rotate(pool, key, limitMs);
    if (program.isUsable) crew.idle.push(program);
    else {
      crew.all.delete(program);
      await program.kill();
    }
    return outcome;
  }

  /**
   * Lets as many programs as will be needed make one call each. They are all up afterwards: a program that still starts while others
   * rotate races with nobody.
   *
   * @throws ProgramError when one does not speak the protocol
   */
  async rehearse(post: string, place: ProgramPlace, pool: string, count: number, limitMs: number): Promise<void> {
    const outcomes = await Promise.all(
      Array.from({ length: count }, () => this.rotate(post, place, pool, 'rehearsal', limitMs)),
    );
    for (const outcome of outcomes) {
      if (outcome.kind === 'error' && outcome.code.startsWith('program-')) throw new ProgramError(outcome.message);
    }
  }

  /** Ends all programs; further calls start new ones. */
  async end(): Promise<void> {
    const all = [...this.#crews.values()].flatMap((crew) => [...crew.all]);
    this.#crews.clear();
    await Promise.all([...this.#dying, ...all.map((program) => program.end())]);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }

  #crewAt(post: string, place: ProgramPlace): Crew {
    const crew = this.#crews.get(post);
    if (crew !== undefined && crew.place.uri === place.uri && crew.place.database === place.database) return crew;
    for (const program of crew?.all ?? []) {
      const dying = program.kill().finally(() => this.#dying.delete(dying));
      this.#dying.add(dying);
    }
    const fresh: Crew = { place, all: new Set(), idle: [] };
    this.#crews.set(post, fresh);
    return fresh;
  }

  #start(crew: Crew): Program {
    if (crew.all.size === PROGRAMS_MAX) throw new ProgramError(`${PROGRAMS_MAX} programs at once are enough`);
    const program = new Program(this.#command, crew.place);
    crew.all.add(program);
    return program;
  }
}
