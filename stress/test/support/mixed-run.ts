import type { Commit, Operation, Run } from 'mongo-harness';
import type { BackupState, KeyState, PoolSnapshot } from '../../src/model/pool-state.ts';
import type { PoolWrite } from '../../src/model/pool-write.ts';
import type { Answer, PoolCall, RotationTypes } from '../../src/model/rotation-types.ts';
import { mixedTraffic } from '../../src/scenarios/mixed-traffic.ts';
import { pool, toSnapshot, type PoolText } from './pool-states.ts';

/** The first call takes from 0 to 0.5, the second one from 1 to 1.5, and so on, unless the times are given. */
type Times = readonly [invokedAtMs: number, completedAtMs?: number];

/** A run of mixed traffic, call by call and commit by commit. */
export class MixedRun {
  readonly #start: PoolSnapshot;
  readonly #keys: Map<string, KeyState>;
  readonly #backups: Map<string, BackupState>;
  readonly #bindings: Map<string, string>;
  readonly #commits: Commit<RotationTypes>[] = [];
  readonly #operations: Operation<RotationTypes>[] = [];
  #nowMs = 0;

  constructor(text: PoolText) {
    const start = pool(text);
    this.#start = toSnapshot(start);
    this.#keys = new Map(start.keys);
    this.#backups = new Map(start.backups);
    this.#bindings = new Map(start.bindings.map(({ rest, keyId }) => [rest, keyId]));
  }

  told(call: PoolCall, answer: Answer, times: Times = [this.#nowMs, this.#nowMs + 0.5]): this {
    this.#nowMs++;
    const [invokedAtMs, completedAtMs] = times;
    const operation = { caller: this.#operations.length, process: 0, service: 'keypool', call, answer, invokedAtMs };
    this.#operations.push(completedAtMs === undefined ? operation : { ...operation, completedAtMs });
    return this;
  }

  /** @param all one that finds no document and makes none is left out */
  commit(...all: readonly PoolWrite[]): this {
    const writes = all.filter((write) => write.of === 'archive' || (write.before ?? write.after) !== undefined);
    this.#commits.push({ isTransaction: writes.length > 1, writes });
    for (const write of writes) {
      if (write.of === 'key') put(this.#keys, write);
      else if (write.of === 'backup') put(this.#backups, write);
      else if (write.of === 'binding') {
        if (write.before !== undefined) this.#bindings.delete(write.before.rest);
        if (write.after !== undefined) this.#bindings.set(write.after.rest, write.after.keyId);
      }
    }
    return this;
  }

  /** The key's document is gone, or kept, or is there. */
  key(id: string, after: Partial<KeyState> | undefined): PoolWrite {
    const before = this.#keys.get(id);
    const is = {
      id,
      live: true,
      incarnation: `another life of ${id}`,
      apiKey: `key of ${id}`,
      content: `another ${id}`,
    };
    return {
      of: 'key',
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after: { ...is, ...after } }),
    };
  }

  backup(id: string, after: Partial<BackupState> | undefined): PoolWrite {
    const before = this.#backups.get(id);
    const is = { id, isUsed: false, apiKey: `key of ${id}`, content: `${id} ${JSON.stringify(after)}` };
    return {
      of: 'backup',
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after: { ...is, ...after } }),
    };
  }

  binding(proxyId: string, keyId: string | undefined): PoolWrite {
    const rest = JSON.stringify({ isActive: true, proxyId });
    const before = this.#bindings.get(rest);
    return {
      of: 'binding',
      ...(before === undefined ? {} : { before: { rest, keyId: before } }),
      ...(keyId === undefined ? {} : { after: { rest, keyId } }),
    };
  }

  /** The writes of a whole rotation. @param rotationId default: `r-b1` where it takes b1 */
  rotation(keyId: string, backupId: string, rotationId = `r-${backupId}`): PoolWrite[] {
    const bound = [...this.#bindings].filter(([, boundTo]) => boundTo === keyId);
    return [
      this.key(keyId, undefined),
      this.backup(backupId, { isUsed: true, usedFor: keyId }),
      this.key(backupId, { incarnation: rotationId }),
      ...bound.map(([rest]) => this.binding((JSON.parse(rest) as { proxyId: string }).proxyId, backupId)),
    ];
  }

  /** A whole rotation whose caller was told so. */
  rotate(keyId: string, backupId: string, times?: Times): this {
    return this.commit(...this.rotation(keyId, backupId)).told(
      { op: 'rotate', keyId },
      { kind: 'rotated', replacement: backupId, rotationId: `r-${backupId}` },
      times,
    );
  }

  /** @param faults that were made; default: none */
  end(...faults: readonly string[]): Run<RotationTypes> {
    const final: PoolSnapshot = {
      keys: [...this.#keys.values()],
      backups: [...this.#backups.values()],
      bindings: [...this.#bindings].map(([rest, keyId]) => ({ rest, keyId })),
    };
    return {
      scenario: mixedTraffic.name,
      start: this.#start,
      between: [],
      commits: this.#commits,
      final,
      history: {
        unit: 'ms',
        operations: this.#operations,
        claims: [],
        conflicts: 0,
        lostRaces: 0,
        ...(faults.length === 0 ? {} : { faults: faults.map((kind) => ({ kind, atMs: 0 })) }),
      },
      expectedErrors: [],
    };
  }
}

function put<State extends { readonly id: string }>(
  all: Map<string, State>,
  { before, after }: { readonly before?: State; readonly after?: State },
): void {
  if (after !== undefined) all.set(after.id, after);
  else if (before !== undefined) all.delete(before.id);
}
