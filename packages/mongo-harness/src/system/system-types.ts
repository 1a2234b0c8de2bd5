/**
 * The types of one system under one name. `call`, `answer`, `claim`, `state` and `write` are plain JSON: they go to worker processes and
 * into history files. None of them may hold a credential.
 */
export interface SystemTypes {
  /** What a caller asks for, and what an operator does. */
  readonly call: unknown;
  /** What a caller is told. Reports group the answers by `kind`. */
  readonly answer: { readonly kind: string };
  /** What a flow reports on its way to an answer: that a caller took something which only one may have. */
  readonly claim: unknown;
  /** All documents of the system at one instant, in the words of its invariants. */
  readonly state: unknown;
  /** What a commit made of one document, in the words of the invariants. Needed where `System.toWrite` is. */
  readonly write: unknown;
  /** What a scenario begins with. */
  readonly start: unknown;
  /** One service that runs the flow; several may share their collections. */
  readonly service: { readonly name: string };
}

/** What a call got where the flow gave no answer: its client crashed, or the flow threw. */
export type NoAnswer =
  { readonly kind: 'crashed' } | { readonly kind: 'error'; readonly code: string; readonly message: string };
