import type { BackupDocument, BindingDocument, KeyDocument } from 'rotation-core';

/** The pool a run begins with. */
export interface StartState {
  /** Whole documents, or ids that stand for a healthy key each. */
  readonly keys: readonly (string | KeyDocument)[];
  /** Whole documents, or ids that stand for a free backup each. */
  readonly backups: readonly (string | BackupDocument)[];
  readonly bindings: readonly StartBinding[];
  /** Rotations that were over when the run began, in their order. Default: none. */
  readonly past?: readonly PastRotation[];
}

/** A binding's document, but for the key's id, which goes to the field that the pool names. */
export type StartBinding = BindingDocument & { readonly keyId: string };

/** A rotation before the run, with the backup that it took, which `StartState.backups` does not have. */
export interface PastRotation {
  readonly keyId: string;
  readonly backupId: string;
  /** Whose evidence is left: an old flow leaves only `usedFor`, and on a kept key no mark at all. */
  readonly by: 'rotation-core' | 'old-flow';
}
