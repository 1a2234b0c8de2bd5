import { firstBinding } from '../src/subjects/known-bad/first-binding.ts';
import { naive } from '../src/subjects/known-bad/naive.ts';
import { testPromise } from './support/promise.ts';

testPromise(['I3'], [{ subject: firstBinding, callersMax: 1 }, { subject: naive }]);
