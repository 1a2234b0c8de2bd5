import type { BackupState, BindingState, KeyState } from './pool-state.ts';

/**
 * What a commit made of one document of a pool, in the words of the invariants; absent before where the document was inserted, and after where it was
 * deleted. JSON, without credentials.
 */
export type PoolWrite =
  | Written<'key', KeyState>
  | Written<'backup', BackupState>
  | Written<'binding', BindingState>
  /** A key was copied to the archive. */
  | { readonly of: 'archive'; readonly keyId: string };

interface Written<Of extends string, State> {
  readonly of: Of;
  readonly before?: State;
  readonly after?: State;
}
