import type { FlowClient, InterleaveOptions } from './interleave-options.ts';

/** Ends what `prepare` made: with the option if there is one, else as the value itself says. */
export async function disposeOf<P>(
  value: P,
  client: FlowClient,
  dispose: InterleaveOptions<never, P>['dispose'],
): Promise<void> {
  if (dispose !== undefined) await dispose(value, client);
  else if (typeof value === 'object' && value !== null) {
    const own = value as Partial<AsyncDisposable & Disposable>;
    if (Symbol.asyncDispose in own) await own[Symbol.asyncDispose]?.();
    else own[Symbol.dispose]?.();
  }
}
