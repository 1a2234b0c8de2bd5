import { archiveKeys } from './archive-keys.ts';
import { boundKeys } from './bound-keys.ts';
import { claimBackups } from './claim-backups.ts';
import { findFreeBackups } from './find-free-backups.ts';
import { installKeys } from './install-keys.ts';
import { moveBindings } from './move-bindings.ts';
import { readCandidates } from './read-candidates.ts';
import { readClaimedBackups } from './read-claimed-backups.ts';
import { readOlderClaims } from './read-older-claims.ts';
import { readRecentClaims } from './read-recent-claims.ts';
import { touchClaim } from './touch-claim.ts';
import { touchKeys } from './touch-keys.ts';
import { readEvidence } from './read-evidence.ts';
import { readHeirs } from './read-heirs.ts';
import { readKeys } from './read-keys.ts';
import { retireKeys } from './retire-keys.ts';

/** The steps of the flow: one function each, with one database command. A test harness replaces some of them by broken ones. */
export interface Steps {
  readonly touchKeys: typeof touchKeys;
  readonly readKeys: typeof readKeys;
  readonly readEvidence: typeof readEvidence;
  readonly readHeirs: typeof readHeirs;
  readonly boundKeys: typeof boundKeys;
  readonly readOlderClaims: typeof readOlderClaims;
  readonly readRecentClaims: typeof readRecentClaims;
  readonly touchClaim: typeof touchClaim;
  readonly findFreeBackups: typeof findFreeBackups;
  readonly readCandidates: typeof readCandidates;
  readonly retireKeys: typeof retireKeys;
  readonly archiveKeys: typeof archiveKeys;
  readonly claimBackups: typeof claimBackups;
  readonly readClaimedBackups: typeof readClaimedBackups;
  readonly installKeys: typeof installKeys;
  readonly moveBindings: typeof moveBindings;
}

export const referenceSteps: Steps = {
  touchKeys,
  readKeys,
  readEvidence,
  readHeirs,
  boundKeys,
  readOlderClaims,
  readRecentClaims,
  touchClaim,
  findFreeBackups,
  readCandidates,
  retireKeys,
  archiveKeys,
  claimBackups,
  readClaimedBackups,
  installKeys,
  moveBindings,
};

/** Once one of these was sent, a transaction that is committed has changed something. */
export const WRITING_STEPS: ReadonlySet<string> = new Set<keyof Steps>([
  'touchKeys',
  'touchClaim',
  'retireKeys',
  'archiveKeys',
  'claimBackups',
  'installKeys',
  'moveBindings',
]);
