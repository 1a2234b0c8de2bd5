import type { Unusable } from '../events.ts';
import { DUPLICATE_KEY, firstWriteErrorOf } from './driver-error.ts';

/** Ends a transaction whose backup can't be used. The next one passes it over. */
export class UnusableBackup extends Error {
  override readonly name = 'UnusableBackup';
  readonly backupId: string;
  readonly why: Unusable;

  constructor(backupId: string, why: Unusable) {
    super(`The chosen backup can't be used: ${why}`);
    this.backupId = backupId;
    this.why = why;
  }
}

/**
 * Runs a step that writes for one backup after the other. A duplicate key tells which write was refused, and so which backup.
 *
 * @param backupIds of the writes, in their order
 * @throws UnusableBackup
 */
export async function refusingDuplicates<T>(backupIds: readonly string[], step: () => Promise<T>): Promise<T> {
  try {
    return await step();
  } catch (error) {
    const { code, index, errmsg } = firstWriteErrorOf(error);
    const backupId = typeof index === 'number' ? backupIds[index] : undefined;
    if (code !== DUPLICATE_KEY || backupId === undefined) throw error;
    throw new UnusableBackup(backupId, /index: _id_ /.test(String(errmsg)) ? 'live-key' : 'duplicate');
  }
}

/** An operator may mend what made a backup unusable. */
const PASSED_OVER_MS = 60_000;

/** The backups that a rotator passes over for a while. */
export class PassedOver {
  /** Until when, by `performance.now()`. */
  readonly #until = new Map<string, number>();

  add(backupId: string): void {
    this.#until.set(backupId, performance.now() + PASSED_OVER_MS);
  }

  get ids(): readonly string[] {
    const now = performance.now();
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id);
    return [...this.#until.keys()];
  }
}
