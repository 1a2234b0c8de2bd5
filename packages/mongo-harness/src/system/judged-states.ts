/**
 * In which states of a run the invariants of a state must hold.
 *
 * - `every-commit`: in each committed state. At the gate all of them are looked at; in a storm, some.
 * - `end`: in what is left at the end. For a flow that is meant to pass through states which break an invariant, as a saga does.
 */
export const JUDGED_STATES = ['every-commit', 'end'] as const;
export type JudgedStates = (typeof JUDGED_STATES)[number];
