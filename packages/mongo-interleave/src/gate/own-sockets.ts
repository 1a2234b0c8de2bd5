import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node.js publishes each client socket here when it is made, before it connects. */
const CHANNEL = 'net.client.socket';

const watched = new Map<number, (socket: Socket) => void>();

function published(message: unknown): void {
  const { socket } = message as { readonly socket: Socket };
  socket.once('connectionAttempt', (_address, port) => watched.get(port)?.(socket));
}

/**
 * Tells of each socket that this process (this thread) connects to a port of its own, whatever driver does it. In this way the gate
 * knows what is on its way between a client and its port.
 *
 * @returns ends the watch
 */
export function watchOwnSockets(port: number, found: (socket: Socket) => void): () => void {
  if (watched.size === 0) subscribe(CHANNEL, published);
  watched.set(port, found);
  return () => {
    if (watched.delete(port) && watched.size === 0) unsubscribe(CHANNEL, published);
  };
}
