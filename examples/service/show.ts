/*
 * Shows what becomes of 200 requests in flight when their key fails, and of the stock when the upstream goes down: pnpm example
 * Exit code: 0 if everything that it says held, 1 if not, 130 if interrupted.
 */
import { startReplicaSet } from 'mongo-test-replica-set';
import { BRAKE } from './pool.ts';
import { answerEverybody, countBy, failInFlight, readRotations, REQUESTS, send, type Seen } from './scenes.ts';
import { BACKUPS, KEY_IDS, openStage, PROCESSES, PROXY_NAMES, type Stage } from './stage.ts';

let everythingHeld = true;
const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Says what was seen, and whether that is as it should be. */
function claim(holds: boolean, text: string): void {
  everythingHeld &&= holds;
  say(`${holds ? '  ok  ' : '  NOT '}${text}`);
}

/** As in `200 calls with k1 were answered 401`. */
const describeCalls = ({ calls }: Seen): string =>
  Object.entries(countBy(calls, ({ keyId, status }) => `with ${keyId} were answered ${status}`))
    .map(([what, count]) => `${count} calls ${what}`)
    .join(', ');

/** As in `200 of 200 clients got 200`. */
const describeAnswers = ({ answers }: Seen): string =>
  Object.entries(countBy(answers, ({ status }) => status))
    .map(([status, count]) => `${count} of ${answers.length} clients got ${status}`)
    .join(', ');

const everybodyGot = (status: number, { answers }: Seen): boolean =>
  answers.length === REQUESTS && answers.every((answer) => answer.status === status);

/** The key fails for good while all requests wait at the upstream. */
async function showReplaced(stage: Stage, keyId: string, status: number): Promise<void> {
  const seen = await failInFlight(stage, keyId, status);
  const callsByKey = Object.values(countBy(seen.calls, (call) => call.keyId));
  claim(callsByKey.join() === `${REQUESTS},${REQUESTS}`, `upstream: ${describeCalls(seen)}`);
  claim(
    seen.rotations.length === 1 && seen.rotations[0]?.keyId === keyId,
    `rotations: ${seen.rotations.length}, counted by the backups that are used`,
  );
  claim(everybodyGot(200, seen), `${describeAnswers(seen)}, the last after ${Math.round(seen.ms)} ms`);
}

/** The key is good, and may not be used for a while. */
async function showResting(stage: Stage, keyId: string, status: number): Promise<void> {
  const seen = await failInFlight(stage, keyId, status);
  const leastWait = Math.min(...seen.answers.map(({ retryAfter = 0 }) => retryAfter));
  claim(everybodyGot(status, seen) && leastWait > 0, `${describeAnswers(seen)}, and Retry-After: ${leastWait}`);
  const next = await send(stage, [keyId]);
  claim(everybodyGot(429, next), `the next ${REQUESTS} requests: ${describeAnswers(next)}`);
  claim(next.calls.length === 0, `of these, ${next.calls.length} reached the upstream`);
  claim(seen.rotations.length + next.rotations.length === 0, 'no rotation');
}

/** Every key is refused, and so is every replacement. */
async function showBrake(stage: Stage, keyIds: readonly string[]): Promise<void> {
  const earlier = (await readRotations(stage)).length;
  const seen = await answerEverybody(stage, 401, keyIds);
  const used = earlier + seen.rotations.length;
  claim(everybodyGot(401, seen), `${describeAnswers(seen)}, the last after ${Math.round(seen.ms)} ms`);
  claim(used === BRAKE.maxRotations, `rotations: ${earlier} before, and ${seen.rotations.length} until the brake held`);
  const next = await send(stage, keyIds);
  claim(next.rotations.length === 0, `the next ${REQUESTS} requests: ${next.rotations.length} rotations`);
  claim(everybodyGot(401, next), describeAnswers(next));
  const waits = next.answers.map(({ retryAfter = 0 }) => retryAfter);
  const until = new Date(Date.now() + Math.max(...waits) * 1_000).toTimeString().slice(0, 8);
  claim(
    Math.min(...waits) > 0 && Math.max(...waits) * 1_000 <= BRAKE.perMs,
    `each is told when the brake lets the next rotation pass: Retry-After: ${Math.max(...waits)}, at ${until}`,
  );
  claim(used < BACKUPS, `${BACKUPS - used} of ${BACKUPS} backups are left`);
}

async function show(stage: Stage): Promise<void> {
  say(`\n${REQUESTS} requests in ${PROCESSES} processes wait at the upstream. Their key k1 is revoked: 401.`);
  await showReplaced(stage, 'k1', 401);
  say(`\n${REQUESTS} requests wait. The quota of their key k2 is used up: 402.`);
  await showReplaced(stage, 'k2', 402);
  say(`\n${REQUESTS} requests wait. Too many came with k3: 429.`);
  await showResting(stage, 'k3', 429);
  say(`\n${REQUESTS} requests wait. The upstream is overloaded: 529.`);
  await showResting(stage, 'k4', 529);

  const keyIds = ['k1', 'k2'];
  say('\nThe upstream hangs up on everybody.');
  const unanswered = await answerEverybody(stage, 'hang-up', keyIds);
  claim(everybodyGot(502, unanswered), describeAnswers(unanswered));
  claim(unanswered.rotations.length === 0, 'no rotation');
  say(
    `\nThe upstream refuses every key: 401. The brake allows ${BRAKE.maxRotations} rotations in ${BRAKE.perMs / 1_000} s.`,
  );
  await showBrake(stage, keyIds);
  say('\nThe upstream is back.');
  const last = await answerEverybody(stage, null, keyIds);
  claim(everybodyGot(200, last), `${describeAnswers(last)}: no key is lost`);
  claim(last.rotations.length === 0, 'no rotation');
}

async function main(signal: AbortSignal): Promise<void> {
  await using set = await startReplicaSet({ members: 1, signal, endOnInterrupt: false });
  for (const proxy of PROXY_NAMES) {
    say(`\n== The proxy on ${proxy}, with ${KEY_IDS.length} keys and ${BACKUPS} backups ==`);
    await using stage = await openStage({ uri: set.uri, proxy, output: 'inherit', signal });
    await show(stage);
  }
}

const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => interrupted.abort());
// The reader of a pipe has gone, as in `| head`.
process.stdout.on('error', () => interrupted.abort());
try {
  await main(interrupted.signal);
  say(everythingHeld ? '\nAll of this held.' : '\nNot all of this held: see NOT.');
  process.exitCode = everythingHeld ? 0 : 1;
} catch (error) {
  if (!interrupted.signal.aborted) throw error;
  process.exitCode = 130;
}
