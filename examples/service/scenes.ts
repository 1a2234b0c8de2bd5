import { setTimeout as delay } from 'node:timers/promises';
import type { BackupDocument } from 'keypool';
import { pool } from './pool.ts';
import { proxyIdsOf, type ClientAnswer, type LoggedCall, type Stage } from './stage.ts';
import type { AnswerToEverybody } from './upstream.ts';

/* What is done to the service, and what was seen meanwhile: by the clients, by the upstream, and in the database. */

export const REQUESTS = 200;

const MAX_WAIT_MS = 20_000;
const POLL_MS = 10;

/** A rotation, as the database shows it. */
export interface SeenRotation {
  readonly keyId: string;
  readonly replacement: string;
}

export interface Seen {
  readonly answers: readonly ClientAnswer[];
  readonly calls: readonly LoggedCall[];
  readonly rotations: readonly SeenRotation[];
  /** From the moment when the upstream began to answer until the last client had its answer. */
  readonly ms: number;
}

/** Requests with this key wait at the upstream when the key fails with this status. */
export async function failInFlight(stage: Stage, keyId: string, status: number): Promise<Seen> {
  await stage.order({ hold: true });
  const answers = stage.send(REQUESTS, proxyIdsOf(keyId));
  await Promise.race([allHeld(stage), answers]);
  return see(stage, async () => {
    await stage.order({ keys: { [keyId]: status }, hold: false });
    return answers;
  });
}

/** The upstream answers every call alike; null: by its key again. */
export async function answerEverybody(
  stage: Stage,
  answer: AnswerToEverybody,
  keyIds: readonly string[],
): Promise<Seen> {
  await stage.order({ everybody: answer });
  return send(stage, keyIds);
}

/** Requests for the proxy ids that were bound to these keys at the beginning. */
export const send = (stage: Stage, keyIds: readonly string[]): Promise<Seen> =>
  see(stage, () => stage.send(REQUESTS, keyIds.flatMap(proxyIdsOf)));

async function see(stage: Stage, act: () => Promise<ClientAnswer[]>): Promise<Seen> {
  const calls = (await stage.calls()).length;
  const known = new Set((await readRotations(stage)).map(({ replacement }) => replacement));
  const began = performance.now();
  const answers = await act();
  const ms = performance.now() - began;
  return {
    answers,
    calls: (await stage.calls()).slice(calls),
    rotations: (await readRotations(stage)).filter(({ replacement }) => !known.has(replacement)),
    ms,
  };
}

/** The backups that were used. A backup keeps its id when it becomes a key. */
export async function readRotations({ db }: Stage): Promise<SeenRotation[]> {
  const used = await db.collection<BackupDocument>(pool.collections.backups).find({ isUsed: true }).toArray();
  return used.map(({ _id, usedFor }) => ({ keyId: usedFor ?? '', replacement: _id }));
}

async function allHeld(stage: Stage): Promise<void> {
  const deadline = performance.now() + MAX_WAIT_MS;
  while ((await stage.held()) < REQUESTS) {
    if (performance.now() > deadline) throw new Error(`The requests did not reach the upstream in ${MAX_WAIT_MS} ms`);
    await delay(POLL_MS);
  }
}

/** How often each occurs, as in `{ 200: 199, 401: 1 }`. */
export function countBy<T>(items: readonly T[], nameOf: (item: T) => string | number): Record<string, number> {
  const groups = Map.groupBy(items, nameOf);
  return Object.fromEntries([...groups].map(([name, { length }]) => [name, length]));
}
