import { checkedClaim } from '../src/subjects/known-bad/checked-claim.ts';
import { claimBeforeLock } from '../src/subjects/known-bad/claim-before-lock.ts';
import { testPromise } from './support/promise.ts';

testPromise(['I2'], [{ subject: checkedClaim }, { subject: claimBeforeLock }]);
