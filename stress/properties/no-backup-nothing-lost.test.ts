import { filteredMiss } from '../src/subjects/known-bad/filtered-miss.ts';
import { markFirst } from '../src/subjects/known-bad/mark-first.ts';
import { testPromise } from './support/promise.ts';

testPromise(['I4'], [{ subject: markFirst, callersMax: 1 }, { subject: filteredMiss }]);
