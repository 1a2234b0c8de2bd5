import { checkedClaim } from '../src/subjects/known-bad/checked-claim.ts';
import { surplusInsert } from '../src/subjects/known-bad/surplus-insert.ts';
import { testPromise } from './support/promise.ts';

testPromise(['I5', 'I7'], [{ subject: checkedClaim }, { subject: surplusInsert }]);
