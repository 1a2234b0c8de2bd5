const greetings = new Set(['hello', 'ismaster', 'isMaster']);

/** Commands that change and read no data: the handshake, heartbeats, authentication, the end of sessions and cursors. */
const passing = new Set([
  ...greetings,
  'ping',
  'buildInfo',
  'saslStart',
  'saslContinue',
  'authenticate',
  'logout',
  'endSessions',
  'killCursors',
]);

/** Is this the command in which client and server agree on compression? */
export const isGreeting = (name: string): boolean => greetings.has(name);

/** Does this command go through the gate without waiting? */
export const isPassing = (name: string): boolean => passing.has(name);
