import type { Answer, PoolCall } from '../model/rotation-types.ts';
import type { Step } from './check-mixed-steps.ts';
import type { InvariantName, RotationViolation } from './invariants.ts';
import { groupBy } from './replacements.ts';

/** A call of any kind, with its answer. */
export interface MixedOperation {
  readonly caller: number;
  readonly call: PoolCall;
  readonly answer: Answer;
  readonly invokedAtMs: number;
  /** Infinite where there was no answer. */
  readonly completedAtMs: number;
}

/** When each state began, as far as the calls tell; the index is the state. Both grow. */
export interface StateTimes {
  readonly earliest: readonly number[];
  readonly latest: readonly number[];
}

interface Effects {
  readonly times: StateTimes;
  readonly violations: readonly RotationViolation[];
}

const REPAIR = 'a repair';

/**
 * Holds the calls against the commits: who was told of an effect has a commit that made it, and a commit has a caller that was told so, or one that
 * can't know. Then the order of the commits must agree with the time of those calls. Linear.
 *
 * @param isDisturbed something went wrong on purpose: a verb whose commit got no reply runs again, and finds its own work
 */
export function checkEffects(
  steps: readonly Step[],
  operations: readonly MixedOperation[],
  lastState: number,
  isDisturbed: boolean,
): Effects {
  const made = groupBy(steps, effectOfStep);
  const sure = groupBy(
    operations.filter((operation) => effectOf(operation) !== undefined),
    (operation) => effectOf(operation) ?? '',
  );
  const maybe = groupBy(
    operations.flatMap((operation) => possibleEffects(operation, isDisturbed).map((effect) => ({ effect, operation }))),
    ({ effect }) => effect,
  );
  const violations: RotationViolation[] = operations.flatMap(({ caller, call, answer }): RotationViolation[] => {
    if (answer.kind !== 'indeterminate' || answer.rotationId !== '') return [];
    const sentence = `caller ${caller} was told indeterminate for ${subjectOf(call)} without a rotationId to ask about`;
    return [{ invariant: 'I6', sentence }];
  });
  const windows: Window[] = [];
  for (const effect of new Set([...made.keys(), ...sure.keys()])) {
    const stepsOf = made.get(effect) ?? [];
    const told = sure.get(effect) ?? [];
    const names = [effect, ...stepsOf.flatMap((step) => (step.kind === 'rotation' ? [anyOf(step.ended.keyId)] : []))];
    const unsure = names.flatMap((name) => maybe.get(name) ?? []).map(({ operation }) => operation);
    violations.push(
      ...(effect === REPAIR
        ? checkMoved(stepsOf, told, isDisturbed || unsure.length > 0)
        : checkCount(effect, stepsOf, told, unsure.length, isDisturbed)),
    );
    const able = stepsOf.length === told.length ? told : [...told, ...unsure];
    for (const { commit } of stepsOf) windows.push({ state: commit, effect, able });
  }
  const { times, problem } = orderOf(windows, lastState);
  return { times, violations: problem === undefined ? violations : [...violations, problem] };
}

function checkCount(
  effect: string,
  steps: readonly Step[],
  told: readonly MixedOperation[],
  unsure: number,
  isDisturbed: boolean,
): RotationViolation[] {
  const isRotation = effect.startsWith(rotation(''));
  const invariant: InvariantName = isDisturbed ? 'I6' : isRotation ? 'I5' : 'I7';
  const callers = told.map(({ caller }) => caller).join(' and ');
  const were = told.length === 1 ? `caller ${callers} was` : `callers ${callers} were`;
  const answers = `${told[0]?.answer.kind} for ${told[0] === undefined ? '' : subjectOf(told[0].call)}`;
  const commits = `${steps.length === 1 ? 'commit' : 'commits'} ${steps.map(({ commit }) => commit).join(' and ')}`;
  if (steps.length < told.length) {
    const did = steps.length === 0 ? 'no commit made' : `only ${commits} made`;
    return [{ invariant, sentence: `${were} told ${answers}, and ${did} ${effect}` }];
  }
  // A cool-down whose reply is lost is asked for again, and then lasts a little longer.
  const mayRepeat = isDisturbed && steps[0]?.kind === 'key-marked' && unsure > 0;
  if (mayRepeat || steps.length <= told.length + unsure) return [];
  const who = told.length === 0 ? 'nobody was' : `only ${were}`;
  return [{ invariant, sentence: `${commits} made ${effect}, and ${who} told so` }];
}

/** Answers of sweeps tell how many bindings they moved. */
function checkMoved(
  steps: readonly Step[],
  sweeps: readonly MixedOperation[],
  mayBeMore: boolean,
): RotationViolation[] {
  const moved = sum(steps.map((step) => (step.kind === 'bindings-moved' ? step.count : 0)));
  const told = sum(sweeps.map(({ answer }) => (answer.kind === 'swept' ? answer.moved : 0)));
  if (told === moved || (mayBeMore && told < moved)) return [];
  const sentence = `sweeps told of ${told} bindings that they moved, and the commits moved ${moved} to successors`;
  return [{ invariant: 'I7', sentence }];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

/** A step of a state, and the calls of which one made it. */
interface Window {
  readonly state: number;
  readonly effect: string;
  readonly able: readonly MixedOperation[];
}

/** An instant, and the call that it is of. */
interface Instant {
  readonly atMs: number;
  readonly of?: { readonly operation: MixedOperation; readonly state: number };
}

/** Who is told one of these does not know: it may also be done after the answer, as after that of a caller that gave up. */
const IN_DOUBT: readonly Answer['kind'][] = ['indeterminate', 'error', 'crashed'];

/** When what the call does is done at the latest. */
const doneByMs = ({ answer, completedAtMs }: MixedOperation): number =>
  IN_DOUBT.includes(answer.kind) ? Infinity : completedAtMs;

/** A commit is made after its caller called and before the caller knew of it, and the log has the commits in their order. */
function orderOf(
  windows: readonly Window[],
  lastState: number,
): { readonly times: StateTimes; readonly problem?: RotationViolation } {
  const earliest: Instant[] = Array.from({ length: lastState + 1 }, () => ({ atMs: 0 }));
  const latest: Instant[] = Array.from({ length: lastState + 1 }, () => ({ atMs: Infinity }));
  for (const { state, able } of windows) {
    const first = able.toSorted((a, b) => a.invokedAtMs - b.invokedAtMs)[0];
    const last = able.toSorted((a, b) => doneByMs(b) - doneByMs(a))[0];
    if (first === undefined || last === undefined) continue;
    if (first.invokedAtMs > (earliest[state]?.atMs ?? 0))
      earliest[state] = { atMs: first.invokedAtMs, of: { operation: first, state } };
    if (doneByMs(last) < (latest[state]?.atMs ?? Infinity))
      latest[state] = { atMs: doneByMs(last), of: { operation: last, state } };
  }
  let problem: RotationViolation | undefined;
  for (let state = 1; state <= lastState; state++) {
    const before = earliest[state - 1];
    if (before !== undefined && before.atMs > (earliest[state]?.atMs ?? 0)) earliest[state] = before;
    problem ??= lateness(earliest[state], latest[state]);
  }
  for (let state = lastState - 1; state >= 0; state--) {
    const after = latest[state + 1];
    if (after !== undefined && after.atMs < (latest[state]?.atMs ?? Infinity)) latest[state] = after;
  }
  const times = { earliest: earliest.map(({ atMs }) => atMs), latest: latest.map(({ atMs }) => atMs) };
  return problem === undefined ? { times } : { times, problem };
}

function lateness(earliest: Instant | undefined, latest: Instant | undefined): RotationViolation | undefined {
  if (earliest?.of === undefined || latest?.of === undefined || earliest.atMs <= latest.atMs) return undefined;
  const [later, earlier] = [latest.of, earliest.of];
  const at = (ms: number): string => `at ${ms.toFixed(1)} ms`;
  const told = `caller ${later.operation.caller} was told ${later.operation.answer.kind} for ${subjectOf(later.operation.call)} ${at(latest.atMs)}`;
  const called = `caller ${earlier.operation.caller} called for ${subjectOf(earlier.operation.call)} only ${at(earliest.atMs)}`;
  const sentence = `no order explains the commits: ${told}, by commit ${later.state}, and ${called}, which commit ${earlier.state} did`;
  return { invariant: 'I7', sentence };
}

/** As in `rotate k1`. */
export function subjectOf(call: PoolCall): string {
  if (call.op === 'find-rotation') return `${call.op} ${call.rotationId}`;
  if (call.op === 'sweep') return 'a sweep';
  return `${call.op} ${'keyId' in call ? call.keyId : call.backupId}`;
}

/** Effects of the same name are the same. */
function effectOfStep(step: Step): string {
  switch (step.kind) {
    case 'rotation':
      return rotation(step.began.value);
    case 'key-added':
    case 'key-deleted':
    case 'key-marked':
      return `${step.kind} ${step.keyId}`;
    case 'backup-added':
    case 'backup-freed':
      return `${step.kind} ${step.backupId}`;
    case 'backup-deleted':
      return deletedBackup(step.backupId, step.isUsed);
    case 'binding-added':
      return `${step.kind} ${step.proxyId}`;
    case 'bindings-moved':
      return REPAIR;
  }
}

const rotation = (rotationId: string): string => `the rotation ${rotationId}`;
/** Of a rotation whose id nobody was told. */
const anyOf = (keyId: string): string => `a rotation of ${keyId}`;
const marked = (keyId: string): string => `key-marked ${keyId}`;
const deletedBackup = (backupId: string, isUsed: boolean): string =>
  `${isUsed ? 'used' : 'free'} backup-deleted ${backupId}`;

/** What the answer tells that the call has done. */
function effectOf({ call, answer }: MixedOperation): string | undefined {
  if (answer.kind === 'rotated') return rotation(answer.rotationId ?? '');
  const isDone = DONE.includes(answer.kind);
  return isDone ? intendedEffect(call) : undefined;
}

const DONE: readonly Answer['kind'][] = ['bound', 'restored', 'swept', 'added', 'deleted', 'marked'];

function intendedEffect(call: PoolCall): string | undefined {
  switch (call.op) {
    case 'rotate':
      return anyOf(call.keyId);
    case 'bind':
    case 'insert-binding':
      return `binding-added ${call.proxyId}`;
    case 'restore':
      return `backup-freed ${call.backupId}`;
    case 'add-key':
    case 'put-back':
      return `key-added ${call.keyId}`;
    case 'handle-failure':
      return marked(call.keyId);
    case 'delete-key':
      return `key-deleted ${call.keyId}`;
    case 'add-backup':
      return `backup-added ${call.backupId}`;
    case 'delete-backup':
      return deletedBackup(call.backupId, call.isUsed);
    case 'sweep':
      return REPAIR;
    case 'find-rotation':
      return undefined;
  }
}

/** Verbs that run again where a commit got no reply, and then answer what they find. */
const RUN_AGAIN: readonly PoolCall['op'][] = ['bind', 'restore', 'handle-failure'];

/** What the call may have done, though its answer does not say so. */
function possibleEffects(operation: MixedOperation, isDisturbed: boolean): string[] {
  const { call, answer } = operation;
  if (answer.kind === 'indeterminate') return [rotation(answer.rotationId)];
  const isUnknown = answer.kind === 'crashed' || answer.kind === 'error';
  const mayHaveRunTwice = isDisturbed && RUN_AGAIN.includes(call.op) && effectOf(operation) === undefined;
  const intended = intendedEffect(call);
  // A cool-down that is no longer than the one before changes nothing.
  const mayHave = isUnknown || mayHaveRunTwice || answer.kind === 'cooling-down';
  if (intended === undefined || !mayHave) return [];
  return call.op === 'handle-failure' && isUnknown ? [intended, anyOf(call.keyId)] : [intended];
}
