import type { StoredBackup } from '../documents.ts';

/** At most this many backups are verified at once for one transaction. */
export const MAX_CANDIDATES = 8;

/** What a batch asks about the backups of a rotator that verifies them. */
export interface VerifiedBackups {
  /** A short while ago, `verify` found the backup usable. */
  readonly isVerified: (backupId: string) => boolean;
  /** The backup may be verified now: there was no attempt at it without a verdict a moment ago. */
  readonly mayBeVerified: (backupId: string) => boolean;
  /** The document, claimed or not, is what was found usable. */
  readonly isAsVerified: (backupId: string, backup: StoredBackup) => boolean;
}

/** Ends a transaction whose backup is not the one that was verified: somebody changed its credential. */
export class ChangedBackup extends Error {
  override readonly name = 'ChangedBackup';
  readonly backupId: string;

  constructor(backupId: string) {
    super('The chosen backup was changed after it had been verified');
    this.backupId = backupId;
  }
}
