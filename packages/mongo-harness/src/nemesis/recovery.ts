import type { Fault, Operation } from '../system/history.ts';
import type { Recovery } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';

/** Whether a call got what it asked for, and need not be asked again. */
export const isServed = <T extends SystemTypes>(
  recovery: Recovery<T> | undefined,
  answer: Operation<T>['answer'],
): boolean =>
  answer.kind !== 'crashed' &&
  answer.kind !== 'error' &&
  (recovery?.isServed === undefined || recovery.isServed(answer));

/** What has to be asked again: calls that no caller was served. Each once. */
export function unserved<T extends SystemTypes>(
  recovery: Recovery<T> | undefined,
  operations: readonly Operation<T>[],
): T['call'][] {
  const served = new Set<string>();
  const asked = new Map<string, T['call']>();
  for (const { call, answer } of operations) {
    const text = JSON.stringify(call);
    if (isServed(recovery, answer)) served.add(text);
    else asked.set(text, call);
  }
  const probes = [...asked].filter(([text]) => !served.has(text)).map(([, call]) => call);
  return recovery?.probe === undefined ? probes : probes.flatMap((call) => recovery.probe?.(call) ?? []);
}

/** What callers ask who could not know whether their calls were done. Each once. */
export function inquiriesOf<T extends SystemTypes>(
  recovery: Recovery<T> | undefined,
  operations: readonly Operation<T>[],
): T['call'][] {
  const asked = operations.flatMap(({ call, answer }) => recovery?.inquiry?.(call, answer) ?? []);
  return [...new Map(asked.map((inquiry) => [JSON.stringify(inquiry), inquiry])).values()];
}

/** Calls that were under way while the fault lasted; of a fault that picks single ones, those. None where it met no command. */
export function metBy<T extends SystemTypes>(
  { kind, process: met, atMs, endedAtMs = atMs, commands }: Fault,
  operations: readonly Operation<T>[],
): number {
  if (commands === 0) return 0;
  const isMet = ({ process, invokedAtMs, completedAtMs = Infinity, gaveUpAtMs, deadlineMs }: Operation<T>): boolean => {
    if (kind === 'abort') return gaveUpAtMs !== undefined && gaveUpAtMs >= atMs && gaveUpAtMs <= endedAtMs;
    if (kind === 'tiny-deadline') return deadlineMs !== undefined && invokedAtMs >= atMs && invokedAtMs <= endedAtMs;
    return (met === undefined || process === met) && invokedAtMs <= endedAtMs && completedAtMs >= atMs;
  };
  return operations.filter(isMet).length;
}

/** Calls that were under way when the fault began, in all processes. */
export const underWayAt = <T extends SystemTypes>(
  { atMs }: Pick<Fault, 'atMs'>,
  operations: readonly Operation<T>[],
): number =>
  operations.filter(({ invokedAtMs, completedAtMs = Infinity }) => invokedAtMs <= atMs && completedAtMs >= atMs).length;

/** From the end of the fault to the first answer after it that served a caller. Undefined where nobody was served any more. */
export function recoveryMsOf<T extends SystemTypes>(
  recovery: Recovery<T> | undefined,
  { atMs, endedAtMs = atMs }: Fault,
  operations: readonly Operation<T>[],
): number | undefined {
  const served = operations.flatMap(({ completedAtMs, answer }) =>
    completedAtMs !== undefined && completedAtMs >= endedAtMs && isServed(recovery, answer) ? [completedAtMs] : [],
  );
  return served.length === 0 ? undefined : served.reduce((first, one) => Math.min(first, one)) - endedAtMs;
}

/** The longest time in which no caller was served, from the begin of the fault to the first answer after its end that served one. */
export function outageMsOf<T extends SystemTypes>(
  recovery: Recovery<T> | undefined,
  fault: Fault,
  operations: readonly Operation<T>[],
): number {
  const { atMs, endedAtMs = atMs } = fault;
  const overAtMs = endedAtMs + (recoveryMsOf(recovery, fault, operations) ?? 0);
  const served = operations.flatMap(({ completedAtMs = Infinity, answer }) =>
    completedAtMs > atMs && completedAtMs < overAtMs && isServed(recovery, answer) ? [completedAtMs] : [],
  );
  const instants = [atMs, ...served, overAtMs].toSorted((a, b) => a - b);
  return instants.reduce((longest, instant, index) => Math.max(longest, instant - (instants[index - 1] ?? instant)), 0);
}
