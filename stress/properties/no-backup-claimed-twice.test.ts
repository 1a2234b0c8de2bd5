import { checkedClaim } from '../src/flows/mutants/checked-claim.ts';
import { keptKey } from '../src/flows/mutants/kept-key.ts';
import { testInvariants } from './support/invariants.ts';

testInvariants(['I1'], [{ flow: checkedClaim }, { flow: keptKey }]);
