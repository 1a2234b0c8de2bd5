import { checkedClaim } from '../src/flows/mutants/checked-claim.ts';
import { surplusInsert } from '../src/flows/mutants/surplus-insert.ts';
import { testInvariants } from './support/invariants.ts';

testInvariants(['I5', 'I7'], [{ flow: checkedClaim }, { flow: surplusInsert }]);
