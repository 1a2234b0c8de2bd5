import type { FaultKind, FaultOptions } from 'mongo-interleave';
import type { ExploringMode } from '../subjects/subject.ts';

/** What goes wrong in a mode. Seen from the data, a crash after a command is one before the next. */
export const faultKindsOf: Readonly<Record<ExploringMode, readonly FaultKind[]>> = {
  exhaustive: [],
  crash: ['crash-after'],
  'lost-reply': ['lost-reply'],
};

/** Once in a run, at any command of these clients; others are their rivals. */
export const faultsAt = (
  clients: readonly number[],
  kinds: readonly FaultKind[],
): { readonly faults?: FaultOptions } => (kinds.length === 0 ? {} : { faults: { kinds, clients } });
