import type { FaultKind, FaultOptions } from 'mongo-interleave';

/** One of these faults, once in a run, at any command of these clients; the other clients are their rivals. */
export const faultsAt = (
  clients: readonly number[],
  kinds: readonly FaultKind[] = [],
): { readonly faults?: FaultOptions } => (kinds.length === 0 ? {} : { faults: { kinds, clients } });
