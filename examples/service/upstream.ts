import { errorBody, serve, type Reply, type Request } from './http-program.ts';

/*
 * The upstream: an API that wants a key, and that can be told what to answer.
 *
 *   POST /admin       orders, as below
 *   GET /admin/held   how many calls wait
 *   GET /admin/log    all calls that were answered, in their order
 *   POST /            a call, with a key
 */

/** A status, or no answer at all; null: each key has its own status. */
export type AnswerToEverybody = number | 'hang-up' | null;

/** What the upstream is told. Parts that are left out stay as they are. */
export interface Orders {
  /** The status to answer with, by key. A key that was never named here is refused with 401. */
  readonly keys?: Readonly<Record<string, number>>;
  /** What every call gets, whatever its key. */
  readonly everybody?: AnswerToEverybody;
  /** True: calls wait. False: they are answered, by the orders that are in force now. */
  readonly hold?: boolean;
}

/** A call that was answered. */
export interface Call {
  readonly apiKey: string;
  readonly status: number;
}

const REFUSED = 401;

/** Bodies and headers as upstreams have them. */
const REPLIES: Readonly<Record<number, Omit<Reply, 'status'>>> = {
  200: { body: JSON.stringify({ text: 'Good morning.' }) },
  401: { body: errorBody('authentication_error', 'invalid x-api-key') },
  402: { body: errorBody('billing_error', 'Your quota is used up.') },
  429: { body: errorBody('rate_limit_error', 'Too many requests.'), headers: { 'retry-after': '90' } },
  529: { body: errorBody('overloaded_error', 'Overloaded.') },
};

const statuses = new Map<string, number>();
let everybody: AnswerToEverybody = null;
let released: PromiseWithResolvers<void> | undefined;
let held = 0;
const log: Call[] = [];

function obey(orders: Orders): void {
  for (const [apiKey, status] of Object.entries(orders.keys ?? {})) statuses.set(apiKey, status);
  if (orders.everybody !== undefined) everybody = orders.everybody;
  if (orders.hold === true) released ??= Promise.withResolvers();
  if (orders.hold === false) {
    released?.resolve();
    released = undefined;
  }
}

async function answerCall({ headers }: Request): Promise<Reply | 'hang-up'> {
  const apiKey = headers.authorization?.replace('Bearer ', '') ?? '';
  held += 1;
  await released?.promise;
  held -= 1;
  const answer = everybody ?? statuses.get(apiKey) ?? REFUSED;
  if (answer === 'hang-up') return answer;
  log.push({ apiKey, status: answer });
  return { status: answer, ...(REPLIES[answer] ?? { body: errorBody('error', `status ${answer}`) }) };
}

const json = (value: unknown): Reply => ({ status: 200, body: JSON.stringify(value) });

serve(async (request) => {
  switch (`${request.method} ${request.path}`) {
    case 'POST /admin':
      obey(JSON.parse(request.body) as Orders);
      return json({});
    case 'GET /admin/held':
      return json(held);
    case 'GET /admin/log':
      return json(log);
    default:
      return answerCall(request);
  }
});
