import type { Protocol } from '../system/protocol.ts';
import type { NoAnswer, SystemTypes } from '../system/system-types.ts';
import { ProgramError } from './program-error.ts';
import { Program } from './program.ts';
import type { ProgramPlace } from './spawn-program.ts';

/** One for each call under way; more than this is a mistake. */
const MAX_PROGRAMS = 200;

interface Crew<T extends SystemTypes> {
  readonly place: ProgramPlace;
  readonly all: Set<Program<T>>;
  readonly idle: Program<T>[];
}

/** The programs of one command: each serves one call at a time, and is kept for the next one. */
export class Programs<T extends SystemTypes> implements AsyncDisposable {
  readonly #command: string;
  readonly #protocol: Protocol<T>;
  readonly #crews = new Map<string, Crew<T>>();
  readonly #dying = new Set<Promise<void>>();

  constructor(command: string, protocol: Protocol<T>) {
    this.#command = command;
    this.#protocol = protocol;
  }

  /**
   * Makes one call, in a program of its own as long as the call lasts.
   *
   * @param post whose programs: where the place changes, the programs of the old place are killed, and their calls stay unanswered
   * @param maxMs how long the answer may take. Default: no limit
   */
  async call(
    post: string,
    place: ProgramPlace,
    call: T['call'],
    service: T['service'],
    maxMs?: number,
  ): Promise<T['answer'] | NoAnswer> {
    const crew = this.#crewAt(post, place);
    const program = crew.idle.pop() ?? this.#start(crew);
    const answer = await program.call(call, service, maxMs);
    if (program.isUsable) crew.idle.push(program);
    else {
      crew.all.delete(program);
      await program.kill();
    }
    return answer;
  }

  /**
   * Lets as many programs as will be needed make one call each. All are up afterwards: a program that still starts while the others
   * work races with nobody.
   *
   * @throws ProgramError where a program does not speak the protocol
   */
  async rehearse(
    post: string,
    place: ProgramPlace,
    service: T['service'],
    count: number,
    maxMs: number,
  ): Promise<void> {
    const { rehearsal } = this.#protocol;
    const answers = await Promise.all(
      Array.from({ length: count }, () => this.call(post, place, rehearsal, service, maxMs)),
    );
    for (const answer of answers) if (isProgramFailure(answer)) throw new ProgramError(answer.message);
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

  #crewAt(post: string, place: ProgramPlace): Crew<T> {
    const crew = this.#crews.get(post);
    if (crew !== undefined && crew.place.uri === place.uri && crew.place.database === place.database) return crew;
    for (const program of crew?.all ?? []) {
      const dying = program.kill().finally(() => this.#dying.delete(dying));
      this.#dying.add(dying);
    }
    const fresh: Crew<T> = { place, all: new Set(), idle: [] };
    this.#crews.set(post, fresh);
    return fresh;
  }

  #start(crew: Crew<T>): Program<T> {
    if (crew.all.size === MAX_PROGRAMS) throw new ProgramError(`${MAX_PROGRAMS} programs at once are enough`);
    const program = new Program(this.#command, crew.place, this.#protocol);
    crew.all.add(program);
    return program;
  }
}

/** The program failed, rather than its flow. */
const isProgramFailure = (answer: { readonly kind: string }): answer is Extract<NoAnswer, { kind: 'error' }> =>
  answer.kind === 'error' && 'code' in answer && String(answer.code).startsWith('program-');
