import { isVerb, type Answer, type PoolCall } from '../model/rotation-types.ts';
import {
  chainEndOf,
  isSuccessor,
  proxyOf,
  successorOf,
  type Life,
  type PoolBook,
  type Stay,
} from './check-mixed-book.ts';
import { subjectOf, type MixedOperation, type StateTimes } from './check-mixed-effects.ts';
import type { Step } from './check-mixed-steps.ts';
import type { InvariantName, RotationViolation } from './invariants.ts';

/** States from the first to the last one, both included. */
interface States {
  readonly first: number;
  readonly last: number;
}

/**
 * Each answer must be true in a state that was there between the call and the answer. Linear in calls, times the incarnations of an id and the
 * links of a chain.
 */
export function checkMixedAnswers(
  book: PoolBook,
  steps: readonly Step[],
  operations: readonly MixedOperation[],
  times: StateTimes,
  isDisturbed: boolean,
): RotationViolation[] {
  const judge = new AnswerJudge(book, steps);
  return operations.flatMap((operation): RotationViolation[] => {
    const { caller, call, answer } = operation;
    const why = judge.whyFalse(operation, statesOf(operation, times), isDisturbed);
    if (why === undefined) return [];
    const replacement = 'replacement' in answer ? ` with ${answer.replacement}` : '';
    const sentence = `caller ${caller} was told ${answer.kind}${replacement} for ${subjectOf(call)}: ${why}`;
    return [{ invariant: invariantOf(answer), sentence }];
  });
}

/**
 * A sweep reads one state and moves bindings in a later one. What it moved from a key that was put back meanwhile, it must have read before: it was called
 * before.
 */
export function checkRepairs(
  steps: readonly Step[],
  operations: readonly MixedOperation[],
  times: StateTimes,
): RotationViolation[] {
  const sweeps = operations.filter(({ call }) => call.op === 'sweep').map((sweep) => statesOf(sweep, times));
  return steps.flatMap((step): RotationViolation[] => {
    if (step.kind !== 'bindings-moved' || step.until === undefined) return [];
    const { commit, until } = step;
    if (sweeps.some(({ first, last }) => first < until && last >= commit - 1)) return [];
    const sentence = `commit ${commit} moved bindings from a key that was live since commit ${until}, and no sweep had begun before that`;
    return [{ invariant: 'I3', sentence }];
  });
}

const invariantOf = ({ kind }: Answer): InvariantName =>
  kind === 'no-backup' ? 'I4' : kind === 'rotated' || kind === 'already-rotated' || kind === 'not-found' ? 'I5' : 'I7';

/** The states that may have been there between a call and its answer. */
function statesOf({ invokedAtMs, completedAtMs }: MixedOperation, { earliest, latest }: StateTimes): States {
  // The last state before the call at the latest: the next one had certainly not begun.
  const first = firstIndex(latest.length - 1, (state) => (latest[state + 1] ?? Infinity) >= invokedAtMs);
  const after = firstIndex(earliest.length, (state) => (earliest[state] ?? Infinity) > completedAtMs);
  return { first, last: Math.max(first, after - 1) };
}

/** By halving: the condition holds from some index on. */
function firstIndex(count: number, holds: (index: number) => boolean): number {
  let [low, high] = [0, count];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

/**
 * Whether a call may be told this error while something goes wrong: what operators write is between them and the driver, and a verb says that
 * the database did not answer by its deadline, but for `rotate`, which tells `busy` or `indeterminate` then. No verb tells an error of the driver.
 */
const mayFail = (call: PoolCall, code: string): boolean =>
  !isVerb(call) || (code === 'database' && call.op !== 'rotate');

class AnswerJudge {
  readonly #book: PoolBook;
  readonly #rotations: ReadonlyMap<string, Extract<Step, { readonly kind: 'rotation' }>>;
  readonly #bindingsOf: ReadonlyMap<string, readonly Stay<string>[]>;
  /** Times in which bindings were on a key that had been replaced. There are few. */
  readonly #leftBehind: readonly (Stay<string> & { readonly proxyId: string })[];

  constructor(book: PoolBook, steps: readonly Step[]) {
    this.#book = book;
    this.#rotations = new Map(
      steps.flatMap((step) => (step.kind === 'rotation' ? [[step.began.value, step] as const] : [])),
    );
    const byProxy = new Map<string, Stay<string>[]>();
    for (const [rest, stays] of book.bindings) {
      const proxyId = proxyOf(rest);
      byProxy.set(proxyId, [...(byProxy.get(proxyId) ?? []), ...stays]);
    }
    this.#bindingsOf = byProxy;
    this.#leftBehind = [...byProxy].flatMap(([proxyId, stays]) =>
      stays
        .filter((stay) => this.#wasReplaced(stay.value, stay.to))
        .map(({ value, from, to }) => ({ proxyId, value, from, to })),
    );
  }

  /** A rotation had replaced the key before this state. */
  #wasReplaced(keyId: string, state: number): boolean {
    return (this.#book.lives.get(keyId) ?? []).some((life) => successorOf(life) !== undefined && life.to < state);
  }

  /** @returns why the answer was true in none of these states; undefined where it was, or says nothing of them */
  whyFalse({ call, answer }: MixedOperation, states: States, isDisturbed: boolean): string | undefined {
    if (answer.kind === 'error')
      return isDisturbed && mayFail(call, answer.code) ? undefined : `${answer.code}, ${answer.message}`;
    if (['busy', 'indeterminate', 'crashed'].includes(answer.kind)) return undefined;
    switch (call.op) {
      case 'rotate':
        return this.#whyNotRotate(call, answer, states);
      case 'bind':
        return this.#whyNotBind(call, answer, states);
      case 'find-rotation':
        return this.#whyNotFound(call.rotationId, answer, states);
      case 'sweep':
        return this.#whyNotSwept(answer, states);
      case 'handle-failure':
        return this.#whyNotHandled(call, answer, states);
      default:
        return this.#whyNotWritten(call, answer, states);
    }
  }

  #whyNotRotate(
    { keyId, incarnation }: Extract<PoolCall, { readonly op: 'rotate' }>,
    answer: Answer,
    states: States,
  ): string | undefined {
    const lives = this.#book.lives.get(keyId) ?? [];
    const asked = incarnation === undefined ? lives : lives.filter(({ value }) => value === incarnation);
    switch (answer.kind) {
      case 'rotated': {
        const rotation = this.#rotations.get(answer.rotationId ?? '');
        if (rotation === undefined) return undefined; // said of the effect that no commit made
        const { ended, began } = rotation;
        if (!asked.includes(ended))
          return `commit ${rotation.commit} replaced ${ended.keyId} in the incarnation ${ended.value}`;
        // A later attempt finds out that an earlier one was committed, and tells the end of the chain.
        const mayTell = (answer.attempts ?? 1) > 1 ? began.chain.slice(began.place) : [began];
        return mayTell.some((life) => life.keyId === answer.replacement)
          ? undefined
          : `commit ${rotation.commit} replaced it by ${began.keyId}`;
      }
      case 'already-rotated': {
        const told = this.#book.lives.get(answer.replacement ?? '') ?? [];
        const isTrue = told.some((one) => {
          const where = clip(one, states);
          if (where === undefined) return false;
          // Who names no incarnation, and finds one live, means that one.
          const isMeant = (life: Life): boolean =>
            incarnation !== undefined || overlaps(life, states) || this.#gapsOf(lives, where).length > 0;
          return asked.some((life) => isSuccessor(one, life) && isMeant(life));
        });
        return isTrue ? undefined : 'that key was live in none of the states of the call, or never took its place';
      }
      case 'no-backup': {
        const isTrue = asked.some((life) => this.#isWithoutStock(clip(life, states)));
        return isTrue ? undefined : 'it was live without a free backup in none of the states of the call';
      }
      case 'other-incarnation': {
        const isTrue = lives.some(
          (live) => live.value === answer.live && this.#isUnknown(keyId, incarnation, clip(live, states), states),
        );
        return isTrue
          ? undefined
          : 'the incarnation was live in none of the states of the call, or was asked for, or its successor was live';
      }
      case 'not-found': {
        const isTrue = this.#gapsOf(lives, states).some((gap) => this.#isUnknown(keyId, incarnation, gap, states));
        return isTrue ? undefined : 'it or its successor was live in all states of the call';
      }
      default:
        return 'that is no answer of rotate here';
    }
  }

  /** It means the incarnation of the key document that was used. */
  #whyNotHandled(
    { keyId, used }: Extract<PoolCall, { readonly op: 'handle-failure' }>,
    answer: Answer,
    states: States,
  ): string | undefined {
    const incarnation = 'incarnation' in used ? used.incarnation : `created ${used.createdAt}`;
    const lives = (this.#book.lives.get(keyId) ?? []).filter(({ value }) => value === incarnation);
    switch (answer.kind) {
      case 'marked':
      case 'already-marked': {
        const isTrue = lives.some((life) => this.#isWithoutStock(clip(life, states)));
        return isTrue ? undefined : 'it was live without a free backup in none of the states of the call';
      }
      case 'cooling-down': {
        const isTrue = lives.some((life) => overlaps(life, states));
        return isTrue ? undefined : 'it was live in that incarnation in none of the states of the call';
      }
      default:
        return this.#whyNotRotate({ op: 'rotate', keyId, incarnation }, answer, states);
    }
  }

  /**
   * Whether, in one of these states, no successor of what the caller means was live. A caller that names no incarnation means the one that was live at
   * the first try, and where none was, any of which there is evidence.
   */
  #isUnknown(keyId: string, incarnation: string | undefined, where: States | undefined, asked: States): boolean {
    if (where === undefined) return false;
    const lives = this.#book.lives.get(keyId) ?? [];
    const isFree = (life: Life): boolean => where.first < life.from || where.last >= chainEndOf(life);
    if (incarnation !== undefined) return lives.filter(({ value }) => value === incarnation).every(isFree);
    const meant = lives.filter((life) => life.to <= where.last && overlaps(life, asked));
    if (meant.some((life) => where.last >= chainEndOf(life))) return true;
    const before = lives.filter(({ to }) => to <= where.last);
    const known = before.reduce((latest, life) => Math.max(latest, chainEndOf(life)), 0);
    return where.last >= known && !lives.some((life) => overlaps(life, where) && life.from <= where.first);
  }

  /** The states in which none of these was so. They come in their order, and none meets another. */
  #gapsOf(lives: readonly Stay<unknown>[], { first, last }: States): States[] {
    const gaps: States[] = [];
    let next = first;
    for (const { from, to } of lives) {
      if (to <= next) continue;
      if (from > last) break;
      if (from > next) gaps.push({ first: next, last: from - 1 });
      next = to;
    }
    if (next <= last) gaps.push({ first: next, last });
    return gaps;
  }

  #isWithoutStock(states: States | undefined): boolean {
    return states !== undefined && this.#book.withoutStock.some((stay) => overlaps(stay, states));
  }

  #whyNotBind(
    { keyId, proxyId }: Extract<PoolCall, { readonly op: 'bind' }>,
    answer: Answer,
    states: States,
  ): string | undefined {
    const lives = this.#book.lives.get(keyId) ?? [];
    if (answer.kind === 'not-found') {
      const isTrue = this.#gapsOf(lives, states).some((gap) => this.#isUnknown(keyId, undefined, gap, gap));
      return isTrue ? undefined : 'it or its successor was live in all states of the call';
    }
    if (answer.kind !== 'bound' && answer.kind !== 'already-bound') return 'that is no answer of bind';
    const { boundTo } = answer;
    const heirs = this.#book.lives.get(boundTo) ?? [];
    const isHeir = boundTo === keyId || heirs.some((heir) => lives.some((life) => isSuccessor(heir, life)));
    if (!isHeir) return `it was bound to ${boundTo}, which never took the place of ${keyId}`;
    const isBound = (this.#bindingsOf.get(proxyId) ?? []).some(
      (stay) => stay.value === boundTo && overlaps(stay, states),
    );
    return isBound ? undefined : `proxy ${proxyId} was bound to ${boundTo} in none of the states of the call`;
  }

  #whyNotFound(rotationId: string, answer: Answer, states: States): string | undefined {
    const rotation = this.#rotations.get(rotationId);
    if (answer.kind === 'found') {
      const { ended, began } = rotation ?? {};
      if (ended === undefined || began === undefined || began.from > states.last)
        return 'no commit made that rotation until then';
      return ended.keyId === answer.keyId && began.keyId === answer.replacement
        ? undefined
        : `commit ${began.from} replaced ${ended.keyId} by ${began.keyId}`;
    }
    if (rotation === undefined || states.first < rotation.commit || chainEndOf(rotation.began) <= states.last)
      return undefined;
    return `commit ${rotation.commit} made that rotation, and its key or a successor of it was live in all states of the call`;
  }

  /** Who is swept must have no live successor; who has one, all along, must be swept. */
  #whyNotSwept(answer: Answer, states: States): string | undefined {
    if (answer.kind !== 'swept') return 'that is no answer of sweep';
    const wrong = answer.unresolved.find((keyId) => {
      const lives = this.#book.lives.get(keyId) ?? [];
      return !this.#gapsOf(lives, states).some((gap) => this.#isUnknown(keyId, undefined, gap, gap));
    });
    if (wrong !== undefined)
      return `it told ${wrong} as unresolved, which or whose successor was live in all states of the call`;
    const left = this.#leftBehind.find(
      ({ from, to, value }) => from <= states.first && to > states.last && this.#hadSuccessor(value, states),
    );
    return left === undefined
      ? undefined
      : `it left proxy ${left.proxyId} on ${left.value}, whose successor was live in all states of the call`;
  }

  /** The key was live in none of these states, and one of the chains that begin with it in all of them. */
  #hadSuccessor(keyId: string, states: States): boolean {
    const lives = this.#book.lives.get(keyId) ?? [];
    return (
      !lives.some((life) => overlaps(life, states)) &&
      lives.some((life) => life.to <= states.first && chainEndOf(life) > states.last)
    );
  }

  #whyNotWritten(call: PoolCall, answer: Answer, states: States): string | undefined {
    const uses = 'backupId' in call ? (this.#book.backups.get(call.backupId) ?? []) : [];
    const keyId = 'keyId' in call ? call.keyId : 'backupId' in call ? call.backupId : '';
    const lives = this.#book.lives.get(keyId) ?? [];
    const was = (use: 'free' | 'used'): boolean => uses.some((stay) => stay.value === use && overlaps(stay, states));
    const isLive = lives.some((life) => overlaps(life, states));
    const never = (what: string, isTrue: boolean): string | undefined =>
      isTrue ? undefined : `${what} in none of the states of the call`;
    switch (answer.kind) {
      case 'already-free':
        return never('it was free', was('free'));
      case 'live-key':
        return never('it was a live key', isLive);
      case 'exists':
        return never(
          'it was there',
          uses.some((stay) => overlaps(stay, states)),
        );
      case 'still-live':
        return never('it was a live key', isLive);
      case 'free-backup': {
        const stays = this.#book.backups.get(keyId) ?? [];
        return never(
          'it was a free backup',
          stays.some((stay) => stay.value === 'free' && overlaps(stay, states)),
        );
      }
      case 'not-found':
        return never('it was missing', this.#gapsOf(uses, states).length > 0);
      case 'no-match':
        return call.op === 'delete-key'
          ? never('it was no live key', this.#gapsOf(lives, states).length > 0)
          : never(
              'it was not as asked',
              call.op === 'delete-backup' &&
                this.#gapsOf(
                  uses.filter(({ value }) => (value === 'used') === call.isUsed),
                  states,
                ).length > 0,
            );
      default:
        return undefined;
    }
  }
}

const overlaps = ({ from, to }: Stay<unknown>, { first, last }: States): boolean => from <= last && to > first;

/** The states in which something was, of these. */
function clip(stay: Stay<unknown>, { first, last }: States): States | undefined {
  if (!overlaps(stay, { first, last })) return undefined;
  return { first: Math.max(first, stay.from), last: Math.min(last, stay.to - 1) };
}
