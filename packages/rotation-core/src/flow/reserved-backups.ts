/** Transactions that began before a claim was committed may still see the backup free; most transactions take less time. */
const CLAIMED_MS = 2_000;

/** The backups that transactions of this rotator have chosen. Others leave them alone: two that choose the same one conflict. */
export class ReservedBackups {
  /** Until when, by `performance.now()`. */
  readonly #until = new Map<string, number>();

  readonly isReserved = (backupId: string): boolean => (this.#until.get(backupId) ?? 0) > performance.now();

  /** Reserves them until they are released. */
  readonly reserve = (backupIds: readonly string[]): void => {
    for (const id of backupIds) this.#until.set(id, Infinity);
  };

  /** @param isCommitted true if the backups were claimed, or may have been */
  release(backupIds: readonly string[], isCommitted: boolean): void {
    const now = performance.now();
    for (const id of backupIds) this.#until.set(id, isCommitted ? now + CLAIMED_MS : 0);
    for (const [id, until] of this.#until) if (until <= now) this.#until.delete(id);
  }
}
