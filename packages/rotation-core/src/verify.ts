import type { BackupDocument } from './documents.ts';

/** What `verify` found out. Anything else that it returns or throws is no verdict on the backup. */
export type BackupVerdict =
  | { readonly kind: 'usable' }
  /** The backup is set aside. `reason`: as in an upstream's message; it is stored without credentials, at most 500 characters. */
  | { readonly kind: 'unusable'; readonly reason: string };

/**
 * Asks the upstream whether a backup works. Called outside of transactions, for several backups at once, and not for those that it
 * found usable a short while ago.
 *
 * @param backup the whole document, with the fields of the service's own
 * @param options `signal` fires when the time for the verification is over; what comes later is ignored
 */
export type VerifyBackup<Id = string> = (
  backup: Readonly<BackupDocument<Id>> & Readonly<Record<string, unknown>>,
  options: { readonly signal: AbortSignal },
) => BackupVerdict | Promise<BackupVerdict>;
