import * as fc from 'fast-check';
import type { PoolWrite } from '../../src/model/pool-write.ts';
import type { Answer, PoolCall } from '../../src/model/rotation-types.ts';
import { MixedRun } from './mixed-run.ts';
import { incarnationIn } from './pool-states.ts';

/** A call, and what the sequential pool made of it. */
export interface SequentialStep {
  readonly call: PoolCall;
  readonly answer: Answer;
  readonly times: readonly [invokedAtMs: number, completedAtMs: number];
  /** Undefined where the call changed nothing. */
  readonly writes: ((run: MixedRun) => readonly PoolWrite[]) | undefined;
}

interface RandomCall {
  readonly op: PoolCall['op'];
  readonly id: string;
  readonly named: boolean;
  readonly pick: number;
  readonly beforeMs: number;
  readonly afterMs: number;
}

const KEYS = ['k1', 'k2', 'k3'];
const BACKUPS = ['b1', 'b2', 'b3'];
const BINDINGS = { p1: 'k1', p2: 'k1', p3: 'k2', p4: 'k3' };
/** Between two calls, in the instants at which they take effect. */
const STEP_MS = 2;
const REACH_MAX_MS = 5;

const beginSequential = (): MixedRun => new MixedRun({ keys: KEYS, free: BACKUPS, bindings: BINDINGS });

const OPS: readonly PoolCall['op'][] = [
  ...(['rotate', 'rotate', 'rotate', 'rotate', 'rotate', 'bind', 'bind', 'sweep', 'restore', 'restore'] as const),
  ...(['find-rotation', 'add-key', 'put-back', 'put-back', 'delete-key', 'add-backup'] as const),
  ...(['delete-backup', 'insert-binding', 'handle-failure', 'handle-failure'] as const),
];

const randomCall: fc.Arbitrary<RandomCall> = fc.record({
  op: fc.constantFrom(...OPS),
  id: fc.constantFrom(...KEYS, ...BACKUPS),
  named: fc.boolean(),
  pick: fc.nat(),
  beforeMs: fc.nat(REACH_MAX_MS),
  afterMs: fc.nat(REACH_MAX_MS),
});

/** Runs of the sequential pool with all verbs, with random windows around the instants at which their calls took effect. */
export const sequentialMixed = (maxCalls: number): fc.Arbitrary<readonly SequentialStep[]> =>
  fc.array(randomCall, { minLength: 5, maxLength: maxCalls }).map((calls) => {
    const pool = new SequentialMixed();
    return calls.map((random, index): SequentialStep => {
      const atMs = REACH_MAX_MS + index * STEP_MS;
      return { ...pool.make(random, index), times: [atMs - random.beforeMs, atMs + random.afterMs] };
    });
  });

/** The run that these steps are. */
export function toMixedRun(steps: readonly SequentialStep[]): MixedRun {
  const run = beginSequential();
  for (const { call, answer, times, writes } of steps) {
    if (writes !== undefined) run.commit(...writes(run));
    run.told(call, answer, times);
  }
  return run;
}

interface Replacement {
  readonly keyId: string;
  readonly incarnation: string;
  readonly backupId: string;
  readonly rotationId: string;
}

type Made = Omit<SequentialStep, 'times'>;

/** The pool as a service means it, one call after the other. Written anew here, to judge the checker by. */
class SequentialMixed {
  /** The incarnation of each live key. */
  readonly #live = new Map(KEYS.map((id) => [id, incarnationIn(id)]));
  readonly #backups = new Map<string, 'free' | 'used'>(BACKUPS.map((id) => [id, 'free']));
  readonly #bindings = new Map(Object.entries(BINDINGS));
  readonly #past: Replacement[] = [];
  readonly #marked = new Set<string>();

  make(random: RandomCall, index: number): Made {
    const { op, id: keyId, id: backupId } = random;
    const told = (call: PoolCall, answer: Answer, writes?: Made['writes']): Made => ({ call, answer, writes });
    switch (op) {
      case 'rotate':
        return this.#rotate(random, index);
      case 'bind': {
        const call = { op, keyId, proxyId: `p-${index}` } as const;
        const boundTo = this.#live.has(keyId) ? keyId : this.#successorOf(keyId);
        if (boundTo === undefined) return told(call, { kind: 'not-found' });
        this.#bindings.set(call.proxyId, boundTo);
        return told(call, { kind: 'bound', boundTo }, (run) => [run.binding(call.proxyId, boundTo)]);
      }
      case 'insert-binding': {
        const call = { op, keyId, proxyId: `p-${index}` } as const;
        this.#bindings.set(call.proxyId, keyId);
        return told(call, { kind: 'added' }, (run) => [run.binding(call.proxyId, keyId)]);
      }
      case 'sweep':
        return this.#sweep();
      case 'handle-failure': {
        const status = random.pick % 2 === 0 ? 401 : 429;
        const incarnation = incarnationIn(keyId);
        const call = { op, keyId, used: { incarnation }, status } as const;
        const isMeant = this.#live.get(keyId) === incarnation;
        const mark = (run: MixedRun): PoolWrite[] => [run.key(keyId, { incarnation, content: `${keyId} ${index}` })];
        if (isMeant && status === 429) return told(call, { kind: 'cooling-down' }, random.named ? mark : undefined);
        const rotated = this.#rotate({ ...random, named: true }, index);
        if (rotated.answer.kind !== 'no-backup') return { ...rotated, call };
        if (this.#marked.has(keyId)) return told(call, { kind: 'already-marked' });
        this.#marked.add(keyId);
        return told(call, { kind: 'marked' }, mark);
      }
      case 'find-rotation': {
        const asked = this.#past[random.pick % Math.max(1, this.#past.length)];
        const call = { op, rotationId: asked?.rotationId ?? 'r-unheard-of' } as const;
        if (asked === undefined) return told(call, { kind: 'unknown-rotation' });
        return told(call, { kind: 'found', keyId: asked.keyId, replacement: asked.backupId });
      }
      case 'restore': {
        const call = { op, backupId } as const;
        const use = this.#backups.get(backupId);
        if (use === undefined) return told(call, { kind: 'not-found' });
        if (use === 'free') return told(call, { kind: 'already-free' });
        if (this.#live.has(backupId)) return told(call, { kind: 'live-key' });
        this.#backups.set(backupId, 'free');
        return told(call, { kind: 'restored' }, (run) => [run.backup(backupId, {})]);
      }
      case 'add-key': {
        const call = { op, keyId: `k-${index}`, createdAt: '' } as const;
        this.#live.set(call.keyId, `put ${index}`);
        return told(call, { kind: 'added' }, (run) => [run.key(call.keyId, { incarnation: `put ${index}` })]);
      }
      case 'put-back': {
        const call = { op, keyId, createdAt: '' } as const;
        const use = this.#backups.get(keyId);
        if (use === 'free') return told(call, { kind: 'free-backup' });
        if (this.#live.has(keyId)) return told(call, { kind: 'still-live' });
        this.#live.set(keyId, `put ${index}`);
        this.#backups.delete(keyId);
        return told(call, { kind: 'added' }, (run) => [
          run.key(keyId, { incarnation: `put ${index}` }),
          ...(use === undefined ? [] : [run.backup(keyId, undefined)]),
        ]);
      }
      case 'delete-key': {
        const call = { op, keyId } as const;
        if (!this.#live.delete(keyId)) return told(call, { kind: 'no-match' });
        return told(call, { kind: 'deleted' }, (run) => [run.key(keyId, undefined)]);
      }
      case 'add-backup': {
        const call = { op, backupId: `b-${index}` } as const;
        this.#backups.set(call.backupId, 'free');
        return told(call, { kind: 'added' }, (run) => [run.backup(call.backupId, {})]);
      }
      case 'delete-backup': {
        const call = { op, backupId, isUsed: random.named } as const;
        if (this.#backups.get(backupId) !== (call.isUsed ? 'used' : 'free')) return told(call, { kind: 'no-match' });
        this.#backups.delete(backupId);
        return told(call, { kind: 'deleted' }, (run) => [run.backup(backupId, undefined)]);
      }
    }
  }

  #rotate({ id: keyId, named, pick }: RandomCall, index: number): Made {
    const incarnation = named ? incarnationIn(keyId) : undefined;
    const call = { op: 'rotate', keyId, ...(incarnation === undefined ? {} : { incarnation }) } as const;
    const live = this.#live.get(keyId);
    if (live === undefined || (named && live !== incarnation)) {
      const replacement = this.#successorOf(keyId, incarnation);
      if (replacement !== undefined)
        return { call, answer: { kind: 'already-rotated', replacement }, writes: undefined };
      return {
        call,
        answer: live === undefined ? { kind: 'not-found' } : { kind: 'other-incarnation', live },
        writes: undefined,
      };
    }
    const free = [...this.#backups].filter(([, use]) => use === 'free').map(([id]) => id);
    const backupId = free[pick % Math.max(1, free.length)];
    if (backupId === undefined) return { call, answer: { kind: 'no-backup' }, writes: undefined };
    const rotationId = `r-${index}`;
    this.#past.push({ keyId, incarnation: live, backupId, rotationId });
    this.#live.delete(keyId);
    this.#live.set(backupId, rotationId);
    this.#backups.set(backupId, 'used');
    for (const [proxyId, boundTo] of this.#bindings) if (boundTo === keyId) this.#bindings.set(proxyId, backupId);
    const answer = { kind: 'rotated', replacement: backupId, rotationId } as const;
    return { call, answer, writes: (run) => run.rotation(keyId, backupId, rotationId) };
  }

  #sweep(): Made {
    const lost = [...this.#bindings].filter(([, keyId]) => !this.#live.has(keyId));
    const moves = lost.flatMap(([proxyId, keyId]) => {
      const to = this.#successorOf(keyId);
      return to === undefined ? [] : [{ proxyId, to }];
    });
    for (const { proxyId, to } of moves) this.#bindings.set(proxyId, to);
    const left = lost.filter(([proxyId]) => !moves.some((move) => move.proxyId === proxyId)).map(([, keyId]) => keyId);
    return {
      call: { op: 'sweep' },
      answer: { kind: 'swept', moved: moves.length, unresolved: [...new Set(left)] },
      writes: moves.length === 0 ? undefined : (run) => moves.map(({ proxyId, to }) => run.binding(proxyId, to)),
    };
  }

  /** The live key at the end of a chain that begins with this incarnation, or with any one of the key; the latest rotation goes first. */
  #successorOf(keyId: string, incarnation?: string): string | undefined {
    for (const past of this.#past.toReversed()) {
      if (past.keyId !== keyId || (incarnation !== undefined && past.incarnation !== incarnation)) continue;
      if (this.#live.get(past.backupId) === past.rotationId) return past.backupId;
      const further = this.#successorOf(past.backupId, past.rotationId);
      if (further !== undefined) return further;
    }
    return undefined;
  }
}
