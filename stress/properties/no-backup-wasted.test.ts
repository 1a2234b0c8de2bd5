import { checkedClaim } from '../src/flows/mutants/checked-claim.ts';
import { claimBeforeLock } from '../src/flows/mutants/claim-before-lock.ts';
import { testInvariants } from './support/invariants.ts';

testInvariants(['I2'], [{ flow: checkedClaim }, { flow: claimBeforeLock }]);
