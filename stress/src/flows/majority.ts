import type { TransactionOptions } from 'mongodb';

/** As the reference's transactions. */
export const MAJORITY: TransactionOptions = { readConcern: { level: 'majority' }, writeConcern: { w: 'majority' } };
