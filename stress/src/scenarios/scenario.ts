/** The pool a run begins with; a key's `_id` is its id, and a binding's key goes to the field that the pool names. */
export interface StartState {
  readonly keys: readonly string[];
  /** Free backups. */
  readonly backups: readonly string[];
  readonly bindings: readonly { readonly proxyId: string; readonly keyId: string; readonly priority: number }[];
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
