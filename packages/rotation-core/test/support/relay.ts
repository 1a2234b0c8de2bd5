import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** A port through which a server is reached, until the port is closed. */
export interface Relay {
  readonly port: number;
  /** Breaks all connections; nothing listens on the port afterwards. */
  close(): Promise<void>;
}

/** @param target the server's port on the loopback address */
export async function openRelay(target: number): Promise<Relay> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    const onward = connect(target, '127.0.0.1');
    for (const each of [socket, onward]) {
      sockets.add(each);
      each.on('error', () => each.destroy());
    }
    socket.pipe(onward).pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
  return {
    port: address.port,
    close: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
