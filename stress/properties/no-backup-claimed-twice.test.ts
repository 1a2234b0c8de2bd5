import { checkedClaim } from '../src/subjects/known-bad/checked-claim.ts';
import { keptKey } from '../src/subjects/known-bad/kept-key.ts';
import { testPromise } from './support/promise.ts';

testPromise(['I1'], [{ subject: checkedClaim }, { subject: keptKey }]);
