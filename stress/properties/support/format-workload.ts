import type { PlannedCall } from 'mongo-harness';
import type { BackupDocument } from 'rotation-core';
import type { RotationTypes } from '../../src/model/rotation-types.ts';
import type { Workload } from './workload.ts';

/** A workload as a reader likes it: who is there, who calls whom, from where. */
export function formatWorkload({ plan, processes, deployment, coalesce }: Workload): string {
  const { keys, backups, bindings, past = [] } = plan.start;
  const bindingsOf = Map.groupBy(bindings, ({ keyId }) => keyId);
  const keyTexts = keys.map((key) => {
    const { _id: id, status } = typeof key === 'string' ? { _id: key, status: 'healthy' } : key;
    const proxies = (bindingsOf.get(id) ?? []).map(({ proxyId }) => proxyId);
    return `${name(id)}${status === 'healthy' || status === undefined ? '' : ` (${status})`} for ${proxies.join(' ') || 'nobody'}`;
  });
  const calls = Map.groupBy(plan.calls, ({ call }) => ('keyId' in call ? call.keyId : ''));
  const lines = {
    where: `${deployment}, ${count(processes, 'process', 'processes')}, callers ${coalesce ? 'share' : 'do not share'} rotations`,
    keys: keyTexts.join(', '),
    past: past.map(({ keyId, backupId, by }) => `${name(keyId)} -> ${name(backupId)} by ${by}`).join(', '),
    backups: backups.map(describeBackup).join(', ') || 'none',
    callers: [...calls].map(([id, group]) => `${name(id)} by ${group.map(describeCall).join(' ')}`).join('; '),
  };
  return Object.entries(lines)
    .filter(([, text]) => text !== '')
    .map(([title, text]) => `  ${title.padEnd(8)} ${text}`)
    .join('\n');
}

function describeBackup(backup: string | BackupDocument): string {
  if (typeof backup === 'string') return name(backup);
  const { _id, isUsed, usedFor } = backup;
  if (isUsed === false) return name(_id);
  return `${name(_id)} (${isUsed === undefined ? 'without isUsed' : `used for ${usedFor == null ? 'nothing' : name(usedFor)}`})`;
}

const describeCall = ({ caller, late = false, follow = 0 }: PlannedCall<RotationTypes>): string =>
  [String(caller), ...(late ? ['late'] : []), ...(follow > 0 ? [`and ${follow} more down the chain`] : [])].join(' ');

const LONG = 40;

/** Plain ids as they are, others so that every character is seen. */
function name(id: string): string {
  if (/^[\w-]+$/.test(id) && id.length <= LONG) return id;
  const text = JSON.stringify(id).replaceAll(
    /[^\x20-\x7e]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  );
  return text.length <= LONG ? text : `${text.slice(0, LONG)}… (${id.length} characters)`;
}

export const count = (number: number, one: string, many: string): string => `${number} ${number === 1 ? one : many}`;
