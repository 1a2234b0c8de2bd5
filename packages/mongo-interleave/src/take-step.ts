import { nothing, type Footprint } from './footprint/footprint.ts';
import { errorCode, type Transactions } from './footprint/transactions.ts';
import type { Gate, HeldCommand } from './gate/gate.ts';
import type { Fields } from './gate/message.ts';
import type { GatedClient } from './gated-client.ts';
import { InterleaveError } from './interleave-error.ts';
import type { FaultKind } from './schedule/token.ts';
import type { TraceStep, TraceWriter } from './schedule/trace.ts';

/** What faults need beside the gate. */
export interface FaultMaker {
  /** Freezes a client for good, ends the transaction that it has open, and connects a fresh one in its place. */
  crash(client: number, openSession: unknown): Promise<GatedClient>;
  /** Lets the server refuse this client's next command of this name. */
  failNext(client: number, command: string): Promise<void>;
  /** Waits until the server has ended the transactions of these sessions. */
  outlast(sessions: readonly unknown[]): Promise<void>;
  /** A crashed client's transaction stays open. */
  readonly leavesTransactions: boolean;
}

interface StepSetup {
  readonly gate: Gate;
  readonly transactions: Transactions;
  readonly writer: TraceWriter;
  readonly faults: FaultMaker;
}

interface Step {
  readonly step: TraceStep;
  readonly footprint: Footprint;
  readonly reply: Fields | undefined;
  /** The fresh client after a crash. */
  readonly restarted?: GatedClient;
}

/** Releases one command, or lets happen at it what goes wrong. The client knows of it, and may not have gone on, when this ends. */
export async function takeStep(setup: StepSetup, command: HeldCommand, fault: FaultKind | undefined): Promise<Step> {
  const { gate, transactions, writer, faults } = setup;
  switch (fault) {
    case undefined: {
      const reply = await gate.release(command);
      const footprint = transactions.follow(command, reply.body);
      reply.deliver();
      return { step: writer.step(command, reply.body), footprint, reply: reply.body };
    }
    case 'lost-reply': {
      const reply = await gate.release(command);
      const footprint = { ...transactions.follow(command, reply.body), isFault: true };
      reply.lose();
      return { step: writer.step(command, reply.body, fault), footprint, reply: reply.body };
    }
    case 'reset':
      gate.reset(command);
      return {
        step: writer.step(command, undefined, fault),
        footprint: { ...nothing, isFault: true },
        reply: undefined,
      };
    case 'error': {
      await faults.failNext(command.client, command.name);
      const reply = await gate.release(command);
      reply.deliver();
      if (errorCode(reply.body) === undefined) throw notRefused(command);
      // Refused before it began: an open transaction stays open, which other errors end.
      return {
        step: writer.step(command, reply.body, fault),
        footprint: { ...nothing, isFault: true },
        reply: reply.body,
      };
    }
    case 'crash-after': {
      const reply = await gate.release(command);
      const { movesSnapshot, ...before } = transactions.follow(command, reply.body);
      const { restarted, footprint } = await crash(setup, command.client);
      return {
        step: writer.step(command, reply.body, fault),
        reply: reply.body,
        footprint: {
          ...before,
          writes: [...before.writes, ...footprint.writes],
          movesSnapshot: movesSnapshot || footprint.movesSnapshot,
          isFault: true,
        },
        restarted,
      };
    }
    case 'crash':
      return {
        step: writer.step(command, undefined, fault),
        reply: undefined,
        ...(await crash(setup, command.client)),
      };
  }
}

const notRefused = ({ name }: HeldCommand): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `The server did not refuse "${name}" as it was told; does somebody else use its failCommand, or can that command not be refused?`,
  );

async function crash(
  { transactions, faults }: StepSetup,
  client: number,
): Promise<Required<Omit<Step, 'step' | 'reply'>>> {
  const restarted = await faults.crash(client, transactions.openSessionOf(client));
  const ended = faults.leavesTransactions ? transactions.abandon(client) : transactions.crash(client);
  return { footprint: { ...ended, isFault: true }, restarted };
}
