import { createRotator, type AnyDb, type FailureOutcome, type KeyDocument, type Rotator } from 'keypool';
import { errorBody, serve, type Reply } from './http-program.ts';
import { BRAKE, pool } from './pool.ts';

/*
 * The service: POST /<proxy id> is passed on to the upstream, with the key that the proxy id is bound to. Runs in any number of
 * processes. The start is in proxy-on-mongodb.ts and in proxy-on-mongoose.ts.
 */

/** A key, with the field by which `handleFailure` lets it rest. */
export type StoredKey = KeyDocument & { readonly cooldownUntil?: Date | null };

/** What the service reads of the database by itself. */
export interface Keys {
  /** Undefined where nothing is bound to the proxy id. */
  findBoundKeyId(proxyId: string): Promise<string | undefined>;
  /** Undefined where there is no such key, or no such key any more. */
  findKey(keyId: string): Promise<StoredKey | undefined>;
}

/** A request is tried with at most so many keys. */
const MAX_TRIES = 3;
/** A key may be replaced while it is looked up, and its replacement too: no more often than the brake allows. */
const MAX_READS = BRAKE.maxRotations + 1;
const MAX_UPSTREAM_MS = 20_000;
const UPSTREAM_URL = process.env['UPSTREAM_URL'] ?? '';

const NO_KEY: Reply = { status: 503, body: errorBody('no_key', 'There is no key for this proxy id.') };
const RESTS: Reply = { status: 429, body: errorBody('rate_limit_error', 'The key rests.') };
const UNREACHABLE: Reply = { status: 502, body: errorBody('unreachable', 'The upstream gave no answer.') };

/** One rotator for each process: it brings its callers together, and has no connection of its own. */
export async function runProxy(db: AnyDb, keys: Keys): Promise<void> {
  const rotator = createRotator(db, pool, {
    onEvent: (event) => {
      if (event.type === 'rotated')
        process.stdout.write(`    process ${process.pid}: ${event.keyId} was replaced by ${event.replacement}\n`);
    },
  });
  await rotator.ensureIndexes();
  serve(({ path, body }) => forward(rotator, keys, path.slice(1), body));
}

/** Tries the request with the bound key, and where that key fails, with the key that took its place. */
async function forward(rotator: Rotator, keys: Keys, proxyId: string, body: string): Promise<Reply> {
  let reply = NO_KEY;
  let key = await findKey(keys, proxyId);
  for (let tries = 0; key !== undefined && tries < MAX_TRIES; tries++) {
    if (key.cooldownUntil && key.cooldownUntil > new Date()) return retryLater(RESTS, key.cooldownUntil);

    const answer = await callUpstream(key, body);
    if (answer === undefined) return UNREACHABLE;
    reply = { status: answer.status, body: answer.body };
    if (answer.ok) return reply;

    const outcome = await rotator.handleFailure(key, answer);
    if ('until' in outcome && outcome.until !== undefined) reply = retryLater(reply, outcome.until);
    const next = nextKeyId(outcome);
    key = next === undefined ? undefined : await findKey(keys, proxyId, next);
  }
  return reply;
}

/** @param keyId default: the key that the proxy id is bound to */
async function findKey(keys: Keys, proxyId: string, keyId?: string): Promise<StoredKey | undefined> {
  let id = keyId ?? (await keys.findBoundKeyId(proxyId));
  for (let reads = 0; id !== undefined && reads < MAX_READS; reads++) {
    const key = await keys.findKey(id);
    if (key !== undefined) return key;
    // It was replaced after its id was read, and the binding was moved with it.
    id = await keys.findBoundKeyId(proxyId);
  }
  return undefined;
}

/** The key to go on with; undefined where the client has to be told of the failure. */
function nextKeyId(outcome: FailureOutcome): string | undefined {
  switch (outcome.kind) {
    case 'rotated': // for this request
    case 'already-rotated': // for another one, maybe in another process
      return outcome.replacement;
    case 'unaffected': // the request is at fault, or the upstream
    case 'cooling-down': // the key rests
    case 'held-back': // the brake: so many keys fail that the upstream must be down
    case 'marked': // there is no backup
    case 'already-marked':
    case 'other-incarnation': // the key was put back meanwhile
    case 'not-found': // an operator removed the key
    case 'busy': // nothing was changed: the next failure tries again
    case 'indeterminate': // the key may have been replaced: the next failure finds out
      return undefined;
  }
}

/** What `handleFailure` takes as an answer; the headers say for how long a key has to rest. */
interface UpstreamAnswer {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** @returns undefined where the upstream does not answer, which says nothing about the key */
async function callUpstream({ apiKey }: KeyDocument, body: string): Promise<UpstreamAnswer | undefined> {
  const headers = { authorization: `Bearer ${apiKey}` };
  try {
    const signal = AbortSignal.timeout(MAX_UPSTREAM_MS);
    const response = await fetch(UPSTREAM_URL, { method: 'POST', headers, body, signal });
    return { ok: response.ok, status: response.status, headers: response.headers, body: await response.text() };
  } catch {
    return undefined;
  }
}

function retryLater(reply: Reply, until: Date): Reply {
  const seconds = Math.max(0, Math.ceil((until.getTime() - Date.now()) / 1_000));
  return { ...reply, headers: { 'retry-after': String(seconds) } };
}
