import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';

/* What the proxy and the upstream share: an HTTP server in a process of its own. */

export interface Request {
  readonly method: string;
  /** As in `/k1-a`. */
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** A response whose body is JSON. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string;
}

/** Answers a request; `hang-up` closes the connection instead. */
export type Handler = (request: Request) => Promise<Reply | 'hang-up'>;

/** What a program tells the process that started it, once it listens. */
export interface Listening {
  /** As in `http://127.0.0.1:40123`. */
  readonly url: string;
}

export const errorBody = (type: string, message: string): string => JSON.stringify({ error: { type, message } });

// Nothing is left behind when the parent is killed.
process.once('disconnect', () => process.exit());
// Ctrl-C in a terminal reaches all its processes, and a closed pipe too. The parent ends this one, after its own requests.
process.on('SIGINT', () => {});
process.stdout.on('error', () => {});

/** Serves on a free port of 127.0.0.1, and tells the parent process the URL. */
export function serve(handler: Handler): void {
  const server = createServer((request, response) => void respond(request, response, handler));
  // Idle connections are closed by their client, which knows whether a request is about to use them.
  server.keepAliveTimeout = 0;
  server.listen(0, '127.0.0.1', () => {
    const { port } = server.address() as AddressInfo;
    process.send?.({ url: `http://127.0.0.1:${port}` } satisfies Listening);
  });
}

async function respond(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  const reply = await replyTo(request, handler);
  if (reply === 'hang-up') response.destroy();
  else response.writeHead(reply.status, { 'content-type': 'application/json', ...reply.headers }).end(reply.body);
}

/** A request that can't be served ends with 500, and the reason goes to the log. Errors of rotations have no key in them. */
async function replyTo(request: IncomingMessage, handler: Handler): Promise<Reply | 'hang-up'> {
  const { method = '', url: path = '', headers } = request;
  try {
    return await handler({ method, path, headers, body: await text(request) });
  } catch (error) {
    process.stderr.write(`${method} ${path}: ${String(error)}\n`);
    return { status: 500, body: errorBody('internal_error', 'The request could not be served.') };
  }
}
