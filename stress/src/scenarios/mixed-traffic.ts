import type { Scenario } from 'mongo-harness';
import { seededRandom } from 'mongo-interleave';
import { incarnationOf, type KeyDocument } from 'rotation-core';
import type { Answer, CallDraw, OperatorCall, PoolCall, RotateCall, RotationTypes } from '../model/rotation-types.ts';
import { bindAll, numbered } from './build.ts';

/* All verbs and the writes of operators at once, over so few keys that they meet; checker/check-mixed.ts judges what then holds. */

const KEYS = 8;
const BACKUPS = 10;
const CALLERS = 24;
/** Of all callers together; each makes its share of them one after the other. */
const CALLS = 300;

const SEED_COUNT = 2 ** 31;
const CREATED_AT = '2026-01-01T00:00:00.000Z';
/** How often a call is about what the last answer named, where it named something. */
const GO_ON = 0.5;
/** How often a call is about the id that all callers are at. */
const TOGETHER = 0.4;
/** How often a call of `rotate` names the incarnation. */
const NAMED = 0.3;

/** The key is bad for good, or has nothing left, or has to rest. */
const STATUSES = [401, 402, 429];

/** How often each call is drawn, in relation to the others. */
const WEIGHTS: Readonly<Record<PoolCall['op'], number>> = {
  rotate: 42,
  'handle-failure': 4,
  bind: 12,
  sweep: 3,
  restore: 12,
  'find-rotation': 0, // only where an answer named a rotation
  'add-key': 3,
  'put-back': 8,
  'delete-key': 2,
  'add-backup': 4,
  'delete-backup': 5,
  'insert-binding': 3,
};

const keyIds = numbered('k', KEYS);
const backupIds = numbered('b', BACKUPS);
const ids = [...keyIds, ...backupIds];
/** Keys and backups take turns. */
const TOGETHER_STEP = 13;

const toKey = (_id: string): KeyDocument => ({
  _id,
  apiKey: `key of ${_id}`,
  status: 'healthy',
  createdAt: new Date(CREATED_AT),
});

export const mixedTraffic: Scenario<RotationTypes> = {
  name: 'mixed-traffic',
  about:
    'all verbs at random over a few keys, while operators add and delete keys and backups, put keys back and insert bindings',
  hasOperator: true,
  storm: ({ callers = CALLERS }, random) => ({
    start: { keys: keyIds.map(toKey), backups: backupIds, bindings: bindAll(keyIds, random) },
    calls: Array.from({ length: callers }, (_, caller) => ({
      caller,
      call: drawCall({ seed: Math.floor(random() * SEED_COUNT), made: 0 }),
      follow: Math.ceil(CALLS / callers) - 1,
    })),
  }),
};

/** What the caller asks next: the same for the same call and answer. Undefined for a call that is no part of drawn ones. */
export const nextDrawn = (call: PoolCall, answer: Answer): PoolCall | undefined =>
  call.draw === undefined ? undefined : drawCall({ ...call.draw, made: call.draw.made + 1 }, { call, answer });

interface LastCall {
  readonly call: PoolCall;
  readonly answer: Answer;
}

function drawCall(draw: CallDraw, last?: LastCall): PoolCall {
  const random = seededRandom(draw.seed ^ Math.imul(draw.made, 0x9e37_79b9));
  const pick = (from: readonly string[]): string => from[Math.floor(random() * from.length)] ?? '';
  const learned = last !== undefined && random() < GO_ON ? learnedFrom(last) : {};
  if (learned.rotationId !== undefined && random() < GO_ON)
    return { op: 'find-rotation', rotationId: learned.rotationId, draw };
  const op = learned.used !== undefined && random() < GO_ON ? 'handle-failure' : pickWeighted(random());
  const together = random() < TOGETHER ? ids[(draw.made * TOGETHER_STEP) % ids.length] : undefined;
  const known = ABOUT_WHAT_IS_OVER.includes(op) ? learned.over : learned.live;
  const isAboutBackup = op === 'restore' || op === 'delete-backup' || random() < 0.5;
  const id = known ?? together ?? pick(isAboutBackup ? backupIds : keyIds);
  return { ...toCall(op, draw, id, random(), learned.used), draw };
}

const ABOUT_WHAT_IS_OVER: readonly PoolCall['op'][] = ['restore', 'delete-backup', 'put-back'];

interface Learned {
  /** A key that was live, or a backup that was added. */
  readonly live?: string;
  /** The key that it replaced. */
  readonly over?: string;
  /** The rotation that made it a key. */
  readonly rotationId?: string;
  /** What names its incarnation. */
  readonly used?: UsedKey;
}

type UsedKey = Extract<PoolCall, { readonly op: 'handle-failure' }>['used'];

function learnedFrom({ call, answer }: LastCall): Learned {
  const over = 'keyId' in call ? { over: call.keyId } : {};
  switch (answer.kind) {
    case 'rotated': {
      const { replacement: live, rotationId } = answer;
      return { ...over, live, ...(rotationId === undefined ? {} : { rotationId, used: { incarnation: rotationId } }) };
    }
    case 'already-rotated':
      return { ...over, ...(answer.replacement === undefined ? {} : { live: answer.replacement }) };
    case 'bound':
      return { live: answer.boundTo };
    case 'added':
      if ('createdAt' in call) return { live: call.keyId, used: { createdAt: call.createdAt } };
      if ('keyId' in call) return { live: call.keyId };
      return 'backupId' in call ? { live: call.backupId } : {};
    default:
      return {};
  }
}

function pickWeighted(fraction: number): PoolCall['op'] {
  const entries = Object.entries(WEIGHTS) as [PoolCall['op'], number][];
  let left = fraction * entries.reduce((sum, [, weight]) => sum + weight, 0);
  return entries.find(([, weight]) => (left -= weight) < 0)?.[0] ?? 'rotate';
}

/**
 * @param chance from 0 up to 1, for what the kind of call leaves open
 * @param used what names the key's incarnation, where it is known; otherwise a caller names the first one, which may be over
 */
function toCall(
  op: PoolCall['op'],
  draw: CallDraw,
  id: string,
  chance: number,
  used: UsedKey = { createdAt: CREATED_AT },
): RotateCall | OperatorCall {
  /** For what nobody else has. */
  const fresh = `${draw.seed.toString(36)}-${draw.made}`;
  switch (op) {
    case 'bind':
    case 'insert-binding':
      return { op, keyId: id, proxyId: `proxy-${fresh}` };
    case 'sweep':
      return { op };
    case 'handle-failure':
      return { op, keyId: id, used, status: STATUSES[Math.floor(chance * STATUSES.length)] ?? 401 };
    case 'restore':
      return { op, backupId: id };
    case 'add-key':
      return { op, keyId: `new-k-${fresh}`, createdAt: CREATED_AT };
    case 'put-back':
      return { op, keyId: id, createdAt: createdAtOf(draw) };
    case 'delete-key':
      return { op, keyId: id };
    case 'add-backup':
      return { op, backupId: `new-b-${fresh}` };
    case 'delete-backup':
      return { op, backupId: id, isUsed: chance < 0.5 };
    default:
      return { op: 'rotate', keyId: id, ...(chance < NAMED ? { incarnation: incarnationOf(used) } : {}) };
  }
}

/** A key that is put back gets a time of its own, which makes it a new incarnation. */
const createdAtOf = ({ seed, made }: CallDraw): string =>
  new Date(Date.parse(CREATED_AT) - (seed + made + 1)).toISOString();
