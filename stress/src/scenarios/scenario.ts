import type { BackupDocument, BindingDocument, KeyDocument } from 'rotation-core';

/** The pool a run begins with. */
export interface StartState {
  /** Whole documents, or ids that stand for a healthy key each. */
  readonly keys: readonly (string | KeyDocument)[];
  /** Whole documents, or ids that stand for a free backup each. */
  readonly backups: readonly (string | BackupDocument)[];
  readonly bindings: readonly StartBinding[];
  /** Rotations that were over when the run began, in their order. Default: none. */
  readonly earlier?: readonly EarlierRotation[];
}

/** A binding's document, but for the key's id, which goes to the field that the pool names. */
export type StartBinding = BindingDocument & { readonly keyId: string };

/** A rotation of the past with the backup that it took, which `StartState.backups` does not have. */
export interface EarlierRotation {
  readonly keyId: string;
  readonly backupId: string;
  /** Whose evidence is left: an old flow leaves only `usedFor`, and on a kept key no mark at all. */
  readonly by: 'rotation-core' | 'old-flow';
}

export interface PlannedCall {
  readonly caller: number;
  readonly keyId: string;
  /** Waits until half of its process's other calls have been answered. */
  readonly late: boolean;
  /** This often the replacement fails again: the caller rotates the key that it was given. */
  readonly follow: number;
}

export interface Plan {
  readonly start: StartState;
  readonly calls: readonly PlannedCall[];
  /** Codes of errors that the start state's damage explains. */
  readonly expectedErrors: readonly string[];
}

/** How large a run is; every number has a default of the scenario's own. */
export interface Size {
  readonly callers?: number;
  readonly keys?: number;
  readonly backups?: number;
}

export interface Scenario {
  readonly name: string;
  readonly about: string;
  /** @param random from 0 up to 1, seeded. */
  readonly plan: (size: Size, random: () => number) => Plan;
}
