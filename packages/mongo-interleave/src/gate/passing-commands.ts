const GREETINGS = new Set(['hello', 'ismaster', 'isMaster']);

/** Commands that neither read nor change data: the handshake, heartbeats, authentication, the end of sessions and cursors. */
const PASSING = new Set([
  ...GREETINGS,
  'ping',
  'buildInfo',
  'saslStart',
  'saslContinue',
  'authenticate',
  'logout',
  'endSessions',
  'killCursors',
]);

/** Is this the command of the handshake, in which client and server agree on compression? */
export const isGreeting = (name: string): boolean => GREETINGS.has(name);

/** Does this command pass the gate without being held? */
export const isPassing = (name: string): boolean => PASSING.has(name);
