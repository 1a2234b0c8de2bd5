import type { Fields } from './message.ts';

/** Fields that differ between two runs of one schedule. `errmsg` names transactions by number; the error's code is compared instead. */
const VOLATILE_FIELDS = new Set([
  'errmsg',
  'lsid',
  'txnNumber',
  '$clusterTime',
  'operationTime',
  'electionId',
  'opTime',
  'recoveryToken',
  'atClusterTime',
  // Of the member that answers, and of its start.
  'topologyVersion',
]);
const GENERATED = /"[0-9a-f]{24}"|"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"|"\d{4}-\d\d-\d\dT[\d:.]+Z"/g;

/** A document, command or reply as text that is the same in each run: generated ids and times count as equal. May hold credentials. */
export const contentOf = (fields: Fields): string =>
  JSON.stringify(Object.entries(fields).filter(([name]) => !VOLATILE_FIELDS.has(name))).replaceAll(
    GENERATED,
    '"generated"',
  );
