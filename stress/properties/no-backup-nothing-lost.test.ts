import { filteredMiss } from '../src/flows/mutants/filtered-miss.ts';
import { markFirst } from '../src/flows/mutants/mark-first.ts';
import { testInvariants } from './support/invariants.ts';

testInvariants(['I4'], [{ flow: markFirst, maxCallers: 1 }, { flow: filteredMiss }]);
