import { firstBinding } from '../src/flows/mutants/first-binding.ts';
import { naive } from '../src/flows/mutants/naive.ts';
import { testInvariants } from './support/invariants.ts';

testInvariants(['I3'], [{ flow: firstBinding, maxCallers: 1 }, { flow: naive }]);
