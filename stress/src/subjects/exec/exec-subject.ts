import type { Subject } from '../subject.ts';
import { Programs } from './programs.ts';

/** A process each, and a small machine has few cores for them. */
const CONCURRENCY = 8;
/** Starting may mean compiling. */
const REHEARSAL_MAX_MS = 60_000;
const ANSWER_MAX_MS = 60_000;

/**
 * A flow in any language: a command that reads calls and writes answers, a line of JSON each. See docs/any-language.md.
 *
 * @param command run by the shell, with MONGODB_URI and ROTATION_DATABASE in its environment
 */
export function createExecSubject(command: string): Subject {
  const programs = new Programs(command);
  return {
    name: 'exec',
    about: command,
    expected: 'valid',
    command,
    concurrency: CONCURRENCY,
    rehearse: ({ uri, database, pool, count }) =>
      programs.rehearse('', { uri, database }, pool, count, REHEARSAL_MAX_MS),
    end: () => programs.end(),
    open: (db, pool, observer, { gated = false, uri, client } = {}) => {
      if (uri === undefined) throw new TypeError('a program needs to know where its database is');
      const place = { uri, database: db.databaseName };
      const post = client === undefined ? '' : `${db.databaseName} ${client}`;
      // At the gate a call waits for the others' calls; there the gate watches over the time.
      const limitMs = gated ? undefined : ANSWER_MAX_MS;
      return {
        rotate: async (caller, keyId) => {
          const outcome = await programs.rotate(post, place, pool.name, keyId, limitMs);
          // All that a program tells of its claims is whose backup it installed.
          if (outcome.kind === 'rotated') observer.claimed({ keyId, backupId: outcome.replacement, caller });
          return outcome;
        },
      };
    },
  };
}
