import { describe, expect, test } from 'vitest';
import { checkMixed } from '../../src/checker/check-mixed.ts';
import { MixedRun } from '../support/mixed-run.ts';

const sentences = (run: MixedRun, ...faults: string[]): string[] =>
  checkMixed(run.end(...faults)).map(({ sentence }) => sentence);

const begin = (): MixedRun =>
  new MixedRun({ keys: ['k1', 'k2'], free: ['b1', 'b2', 'b3'], bindings: { p1: 'k1', p2: 'k1', p3: 'k2' } });

describe('a run that the sequential pool explains', () => {
  test('all verbs and writes, one after the other', () => {
    const run = begin();
    run.rotate('k1', 'b1');
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'already-rotated', replacement: 'b1' });
    run
      .commit(run.binding('p9', 'b1'))
      .told({ op: 'bind', keyId: 'k1', proxyId: 'p9' }, { kind: 'bound', boundTo: 'b1' });
    run.commit(run.binding('p8', 'k1')).told({ op: 'insert-binding', keyId: 'k1', proxyId: 'p8' }, { kind: 'added' });
    run.commit(run.binding('p8', 'b1')).told({ op: 'sweep' }, { kind: 'swept', moved: 1, unresolved: [] });
    run.rotate('b1', 'b2');
    run.told({ op: 'find-rotation', rotationId: 'r-b1' }, { kind: 'found', keyId: 'k1', replacement: 'b1' });
    run.commit(run.backup('b1', {})).told({ op: 'restore', backupId: 'b1' }, { kind: 'restored' });
    run.told({ op: 'restore', backupId: 'b1' }, { kind: 'already-free' });
    run.told({ op: 'restore', backupId: 'b2' }, { kind: 'live-key' });
    run.told({ op: 'put-back', keyId: 'b1', createdAt: '' }, { kind: 'free-backup' });
    run
      .commit(run.backup('b1', undefined))
      .told({ op: 'delete-backup', backupId: 'b1', isUsed: false }, { kind: 'deleted' });
    run.commit(run.backup('b9', {})).told({ op: 'add-backup', backupId: 'b9' }, { kind: 'added' });
    run.commit(run.key('k1', {})).told({ op: 'put-back', keyId: 'k1', createdAt: '' }, { kind: 'added' });
    run.told({ op: 'rotate', keyId: 'k1', incarnation: 'life of k1' }, { kind: 'already-rotated', replacement: 'b2' });
    run.commit(run.key('b2', undefined)).told({ op: 'delete-key', keyId: 'b2' }, { kind: 'deleted' });
    run.told({ op: 'rotate', keyId: 'b1' }, { kind: 'not-found' });
    run.told(
      { op: 'rotate', keyId: 'k1', incarnation: 'life of k1' },
      { kind: 'other-incarnation', live: 'another life of k1' },
    );
    run.told({ op: 'sweep' }, { kind: 'swept', moved: 0, unresolved: ['b2'] });
    run.told({ op: 'find-rotation', rotationId: 'r-b1' }, { kind: 'unknown-rotation' });
    run.commit(...run.rotation('k2', 'b3'), ...run.rotation('k1', 'b9'));
    run.told({ op: 'rotate', keyId: 'k2' }, { kind: 'rotated', replacement: 'b3', rotationId: 'r-b3' });
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'rotated', replacement: 'b9', rotationId: 'r-b9' }, [0, 30]);
    run.told({ op: 'rotate', keyId: 'b9' }, { kind: 'no-backup' });
    expect(sentences(run)).toEqual([]);
  });
});

describe('a commit that is no whole step', () => {
  test('leaves a binding behind', () => {
    const run = begin();
    const [retired, claimed, installed, moved] = run.rotation('k1', 'b1');
    run.commit(...[retired, claimed, installed, moved].filter((write) => write !== undefined));
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'rotated', replacement: 'b1', rotationId: 'r-b1' });
    expect(sentences(run)).toEqual([
      'the binding of proxy p2 is on k1, which is no live key, and no operator deleted it',
      'commit 1: caller 0 claimed b1 for k1, and the binding of proxy p2 is on k1',
    ]);
  });

  test('claims without a rotation, and twice', () => {
    const run = begin();
    run.commit(run.backup('b1', { isUsed: true, usedFor: 'k1' }));
    run.commit(run.backup('b2', { isUsed: true, usedFor: 'gone' }));
    run.commit(...run.rotation('k2', 'b3'), run.backup('b2', { isUsed: true, usedFor: 'k2' }));
    run.told({ op: 'rotate', keyId: 'k2' }, { kind: 'rotated', replacement: 'b3', rotationId: 'r-b3' });
    expect(sentences(run)).toEqual([
      'commit 1: somebody claimed b1 for k1, which is live as before',
      'commit 2: somebody claimed b2 for gone, which was no live key',
      'commit 3: changed b2, which was used for gone, and is used for k2',
    ]);
  });

  test('frees a backup that is a live key, or that keeps its mark', () => {
    const run = begin();
    run.rotate('k1', 'b1');
    run.commit(run.backup('b1', { usedFor: 'k1' })).told({ op: 'restore', backupId: 'b1' }, { kind: 'restored' });
    expect(sentences(run)).toEqual([
      'b1 is a live key and a free backup',
      'commit 2: freed b1, which keeps the mark that it was used for k1',
      'commit 2: left b1 a live key and a free backup',
    ]);
  });

  test('binds to a key that is gone, moves to a stranger, or deletes', () => {
    const run = begin();
    run.rotate('k1', 'b1');
    run
      .commit(run.binding('p9', 'k1'))
      .told({ op: 'bind', keyId: 'k1', proxyId: 'p9' }, { kind: 'bound', boundTo: 'k1' });
    run.commit(run.binding('p9', 'k2'));
    run.commit(run.binding('p1', undefined));
    expect(sentences(run)).toEqual([
      'the binding of proxy p1 is gone, or changed',
      'commit 2: bound proxy p9 to k1, which was no live key',
      'commit 3: moved the binding of proxy p9 from k1 to k2, which is no live key that took its place',
      'commit 4: deleted the binding of proxy p1',
      'sweeps told of 0 bindings that they moved, and the commits moved 1 to successors',
    ]);
  });

  test('moves a binding from a key that is live, unless the sweep had begun before it was put back', () => {
    const sweptAt = (calledAtMs: number, boundAgain: boolean): string[] => {
      const run = begin();
      run.rotate('k1', 'b1', [0, 1]);
      run.commit(run.binding('p8', 'k1'));
      run.told({ op: 'insert-binding', keyId: 'k1', proxyId: 'p8' }, { kind: 'added' }, [2, 3]);
      run.commit(run.key('k1', {})).told({ op: 'put-back', keyId: 'k1', createdAt: '' }, { kind: 'added' }, [4, 5]);
      if (boundAgain) {
        run.commit(run.binding('p7', 'k1'));
        run.told({ op: 'bind', keyId: 'k1', proxyId: 'p7' }, { kind: 'bound', boundTo: 'k1' }, [5, 6]);
      }
      run.commit(run.binding(boundAgain ? 'p7' : 'p8', 'b1'));
      run.told({ op: 'sweep' }, { kind: 'swept', moved: 1, unresolved: [] }, [calledAtMs, 8]);
      return sentences(run);
    };
    expect(sweptAt(3, false)).toEqual([]);
    expect(sweptAt(6, false)).toEqual([
      'commit 4 moved bindings from a key that was live since commit 3, and no sweep had begun before that',
    ]);
    expect(sweptAt(3, true)).toEqual(['commit 5: moved the binding of proxy p7 from k1 to b1, and k1 was live']);
  });

  test('retires a key without a claim, or does two things at once', () => {
    const run = begin();
    run.commit(run.key('k1', { live: false }));
    run.commit(run.backup('b1', undefined), run.backup('b9', {}));
    run.told({ op: 'delete-backup', backupId: 'b1', isUsed: false }, { kind: 'deleted' }, [0, 1]);
    run.told({ op: 'add-backup', backupId: 'b9' }, { kind: 'added' }, [0, 1]);
    expect(sentences(run)).toEqual([
      'the binding of proxy p1 is on k1, which is no live key, and no operator deleted it',
      'the binding of proxy p2 is on k1, which is no live key, and no operator deleted it',
      'commit 1: retired k1, and claimed no backup for it',
      'commit 2: is no single step of the pool, but several: backup-deleted and backup-added',
    ]);
  });
});

describe('calls and commits that disagree', () => {
  test('who was told has a commit, and a commit has a caller', () => {
    const run = begin();
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'rotated', replacement: 'b1', rotationId: 'r-b1' });
    run.commit(...run.rotation('k2', 'b2')).told({ op: 'rotate', keyId: 'k2' }, { kind: 'busy' });
    run.commit(run.backup('b3', undefined));
    run.told({ op: 'sweep' }, { kind: 'swept', moved: 2, unresolved: [] });
    expect(sentences(run)).toEqual([
      'commit 1 made the rotation r-b2, and nobody was told so',
      'commit 2 made free backup-deleted b3, and nobody was told so',
      'caller 0 was told rotated for rotate k1, and no commit made the rotation r-b1',
      'sweeps told of 2 bindings that they moved, and the commits moved 0 to successors',
    ]);
  });

  test('two are told of one rotation', () => {
    const run = begin();
    run.rotate('k1', 'b1');
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'rotated', replacement: 'b1', rotationId: 'r-b1' });
    expect(sentences(run)).toEqual([
      'callers 0 and 1 were told rotated for rotate k1, and only commit 1 made the rotation r-b1',
    ]);
  });

  test('who can not know may have made the commit, or not', () => {
    const run = begin();
    run.commit(...run.rotation('k1', 'b1'));
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'crashed' }, [0]);
    run.commit(...run.rotation('k2', 'b2'));
    run.told({ op: 'rotate', keyId: 'k2' }, { kind: 'indeterminate', rotationId: 'r-b2' });
    run.told({ op: 'rotate', keyId: 'b2' }, { kind: 'indeterminate', rotationId: 'r-other' });
    run.told(
      { op: 'delete-backup', backupId: 'b3', isUsed: false },
      { kind: 'error', code: 'unexpected', message: '' },
    );
    expect(sentences(run, 'kill-primary')).toEqual([]);
  });

  test('who is told an error while something goes wrong is told one of the verb, and not one of the driver', () => {
    const failed = (code: string) => ({ kind: 'error', code, message: 'connection closed' }) as const;
    const run = begin();
    run.told({ op: 'insert-binding', keyId: 'k1', proxyId: 'p8' }, failed('unexpected'));
    run.told({ op: 'bind', keyId: 'k1', proxyId: 'p9' }, failed('database'));
    run.told({ op: 'bind', keyId: 'k1', proxyId: 'p9' }, failed('unexpected'));
    run.told({ op: 'sweep' }, failed('unexpected'));
    run.told({ op: 'rotate', keyId: 'k1' }, failed('database'));
    expect(sentences(run, 'step-down')).toEqual([
      'caller 2 was told error for bind k1: unexpected, connection closed',
      'caller 3 was told error for a sweep: unexpected, connection closed',
      'caller 4 was told error for rotate k1: database, connection closed',
    ]);
  });

  test('who can not know may have done it after the answer', () => {
    const run = begin();
    run.told({ op: 'find-rotation', rotationId: 'r-b1' }, { kind: 'unknown-rotation' }, [3, 4]);
    run.rotate('k2', 'b2', [5, 6]);
    run.commit(...run.rotation('k1', 'b1'));
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'indeterminate', rotationId: 'r-b1' }, [0, 1]);
    run.commit(run.binding('p8', 'b1'));
    const connectionClosed = { kind: 'error', code: 'unexpected', message: 'connection closed' } as const;
    run.told({ op: 'insert-binding', keyId: 'b1', proxyId: 'p8' }, connectionClosed, [0, 2]);
    expect(sentences(run, 'abort')).toEqual([]);
  });

  test('a cool-down is written twice where a reply was lost, and only there', () => {
    const run = begin();
    const used = { incarnation: 'life of k1' };
    const rest = (content: string) => run.key('k1', { incarnation: used.incarnation, content });
    run.commit(rest('rests'));
    run.commit(rest('rests longer'));
    run.told({ op: 'handle-failure', keyId: 'k1', used, status: 429 }, { kind: 'cooling-down' });
    expect(sentences(run)).toEqual(['commits 1 and 2 made key-marked k1, and nobody was told so']);
    expect(sentences(run, 'lost-reply')).toEqual([]);
  });

  test('who can not know has no id to ask about', () => {
    const run = begin().told({ op: 'rotate', keyId: 'k1' }, { kind: 'indeterminate', rotationId: '' });
    expect(sentences(run)).toEqual(['caller 0 was told indeterminate for rotate k1 without a rotationId to ask about']);
  });

  test('a commit comes after another one whose caller called later', () => {
    const run = begin();
    run.rotate('k1', 'b1', [5, 6]);
    run.rotate('k2', 'b2', [1, 2]);
    expect(sentences(run)).toEqual([
      'no order explains the commits: caller 1 was told rotated for rotate k2 at 2.0 ms, by commit 2, and caller 0 called for rotate k1 only at 5.0 ms, which commit 1 did',
    ]);
  });
});

describe('an answer that is true in no state of its time', () => {
  test('of rotate', () => {
    const run = begin();
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'no-backup' });
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'not-found' });
    run.rotate('k1', 'b1');
    run.rotate('b1', 'b2');
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'already-rotated', replacement: 'b1' });
    run.told({ op: 'rotate', keyId: 'k1' }, { kind: 'not-found' });
    run.commit(run.key('k1', {})).told({ op: 'put-back', keyId: 'k1', createdAt: '' }, { kind: 'added' });
    run.told(
      { op: 'rotate', keyId: 'k1', incarnation: 'life of k1' },
      { kind: 'other-incarnation', live: 'another life of k1' },
    );
    run
      .commit(...run.rotation('k1', 'b3'))
      .told(
        { op: 'rotate', keyId: 'k1', incarnation: 'life of k1' },
        { kind: 'rotated', replacement: 'b3', rotationId: 'r-b3' },
      );
    expect(sentences(run)).toEqual([
      'caller 0 was told no-backup for rotate k1: it was live without a free backup in none of the states of the call',
      'caller 1 was told not-found for rotate k1: it or its successor was live in all states of the call',
      'caller 4 was told already-rotated with b1 for rotate k1: that key was live in none of the states of the call, or never took its place',
      'caller 5 was told not-found for rotate k1: it or its successor was live in all states of the call',
      'caller 7 was told other-incarnation for rotate k1: the incarnation was live in none of the states of the call, or was asked for, or its successor was live',
      'caller 8 was told rotated with b3 for rotate k1: commit 4 replaced k1 in the incarnation another life of k1',
    ]);
  });

  test('of the other verbs', () => {
    const run = begin();
    run.rotate('k1', 'b1');
    run.told({ op: 'bind', keyId: 'k1', proxyId: 'p9' }, { kind: 'not-found' });
    run.told({ op: 'bind', keyId: 'k1', proxyId: 'p3' }, { kind: 'already-bound', boundTo: 'b1' });
    run.told({ op: 'restore', backupId: 'b1' }, { kind: 'already-free' });
    run.told({ op: 'find-rotation', rotationId: 'r-b1' }, { kind: 'unknown-rotation' });
    run.commit(run.binding('p8', 'k1')).told({ op: 'insert-binding', keyId: 'k1', proxyId: 'p8' }, { kind: 'added' });
    run.told({ op: 'sweep' }, { kind: 'swept', moved: 0, unresolved: ['k1'] });
    run.told({ op: 'sweep' }, { kind: 'swept', moved: 0, unresolved: [] });
    run.told({ op: 'delete-key', keyId: 'k2' }, { kind: 'no-match' });
    run.told({ op: 'bind', keyId: 'k2', proxyId: 'p7' }, { kind: 'error', code: 'database', message: 'WriteConflict' });
    expect(sentences(run)).toEqual([
      'caller 1 was told not-found for bind k1: it or its successor was live in all states of the call',
      'caller 2 was told already-bound for bind k1: proxy p3 was bound to b1 in none of the states of the call',
      'caller 3 was told already-free for restore b1: it was free in none of the states of the call',
      'caller 4 was told unknown-rotation for find-rotation r-b1: commit 1 made that rotation, and its key or a successor of it was live in all states of the call',
      'caller 6 was told swept for a sweep: it told k1 as unresolved, which or whose successor was live in all states of the call',
      'caller 7 was told swept for a sweep: it left proxy p8 on k1, whose successor was live in all states of the call',
      'caller 8 was told no-match for delete-key k2: it was no live key in none of the states of the call',
      'caller 9 was told error for bind k2: database, WriteConflict',
    ]);
  });
});
