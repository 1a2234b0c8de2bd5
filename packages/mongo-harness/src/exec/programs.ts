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
}

/** The programs of one command. Each is kept for further calls, and serves as many at once as it has said that it takes. */
export class Programs<T extends SystemTypes> implements AsyncDisposable {
  readonly #command: string;
  readonly #protocol: Protocol<T>;
  readonly #crews = new Map<string, Crew<T>>();
  readonly #dying = new Set<Promise<void>>();
  /** What a program of this command has said; the others will say the same. */
  #said = { isReady: false, maxCalls: 1 };

  constructor(command: string, protocol: Protocol<T>) {
    this.#command = command;
    this.#protocol = protocol;
  }

  /**
   * Makes one call, in a program that takes one more.
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
    const free = [...crew.all].find((one) => one.isUsable && one.openCalls < this.#said.maxCalls);
    const program = free ?? this.#start(crew);
    const answer = await program.call(call, service, maxMs);
    if (program.isReady) this.#said = program;
    if (!program.isUsable) {
      crew.all.delete(program);
      await program.kill();
    }
    return answer;
  }

  /**
   * Starts a program that will take the next call. Waits until the program is ready where the programs of this command say so; what
   * another one does when it starts can't be told from its work on the call.
   */
  async prepare(post: string, place: ProgramPlace): Promise<void> {
    const crew = this.#crewAt(post, place);
    if (crew.all.size > 0) return;
    const program = this.#start(crew);
    if (this.#said.isReady) await program.ready();
  }

  /** Kills the programs of a post; the next call starts another. */
  async restart(post: string): Promise<void> {
    const crew = this.#crews.get(post);
    this.#crews.delete(post);
    await Promise.all([...(crew?.all ?? [])].map((program) => program.kill()));
  }

  /**
   * Lets as many programs as will be needed make one call each. All are up afterwards: a program that still starts while the others
   * work races with nobody.
   *
   * @param count calls that will be under way at once
   * @returns how many calls each of them takes at once
   * @throws ProgramError where a program does not speak the protocol
   */
  async rehearse(
    post: string,
    place: ProgramPlace,
    service: T['service'],
    count: number,
    maxMs: number,
  ): Promise<number> {
    const rehearseOne = async (): Promise<void> => {
      const answer = await this.call(post, place, this.#protocol.rehearsal, service, maxMs);
      if (isProgramFailure(answer)) throw new ProgramError(answer.message);
    };
    // Alone, for it says how many are needed.
    await rehearseOne();
    if (count > 1) await Promise.all(Array.from({ length: count }, rehearseOne));
    return this.#said.maxCalls;
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
    const fresh: Crew<T> = { place, all: new Set() };
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
