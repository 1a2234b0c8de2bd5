import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node.js publishes each client socket here when it is made, before it connects. */
const CHANNEL = 'net.client.socket';

type Found = (socket: Socket, port: number) => void;

const watching = new Set<Found>();

function published(message: unknown): void {
  const { socket } = message as { readonly socket: Socket };
  socket.once('connectionAttempt', (_address, port) => {
    for (const found of watching) found(socket, port);
  });
}

/**
 * Tells of each socket that this process (this thread) connects, whatever driver does it, and to which port. In this way the gate knows
 * what is on its way between a client and its port.
 *
 * @returns ends the watch
 */
export function watchOwnSockets(found: Found): () => void {
  if (watching.size === 0) subscribe(CHANNEL, published);
  watching.add(found);
  return () => {
    if (watching.delete(found) && watching.size === 0) unsubscribe(CHANNEL, published);
  };
}
