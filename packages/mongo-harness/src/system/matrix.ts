import type { FaultPlace, Flow } from './flow.ts';
import type { SystemTypes } from './system-types.ts';

/** A flow with other settings, to see which of its promises rest on which of them. */
export interface Matrix<T extends SystemTypes> {
  /** The settings, as in `['read concern', 'write concern']`. */
  readonly settings: readonly string[];
  readonly cells: readonly MatrixCell<T>[];
  /** The storms that each cell is put through. */
  readonly storms: readonly [FaultPlace, ...FaultPlace[]];
}

export interface MatrixCell<T extends SystemTypes> {
  /** One for each setting, as in `['majority', '1']`. */
  readonly values: readonly string[];
  readonly flow: Flow<T>;
}
