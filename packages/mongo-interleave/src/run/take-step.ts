import { NOTHING, type Footprint } from '../footprint/footprint.ts';
import { errorCode, type Transactions } from '../footprint/transactions.ts';
import type { Gate, RefusedCommand } from '../gate/gate.ts';
import type { GatedClient } from '../gate/gated-client.ts';
import type { HeldCommand } from '../gate/held-command.ts';
import type { Fields } from '../gate/message.ts';
import type { Reply } from '../gate/relay.ts';
import { InterleaveError } from '../interleave-error.ts';
import type { FaultKind } from '../schedule/token.ts';
import type { FaultInjector } from './fault-injector.ts';
import type { TraceStep } from './trace-step.ts';
import type { TraceWriter } from './trace-writer.ts';
import { lookOf, type Upserts } from './upserts.ts';

interface StepSetup {
  readonly gate: Gate;
  readonly transactions: Transactions;
  readonly writer: TraceWriter;
  readonly faults: FaultInjector;
  readonly upserts: Upserts;
}

interface Sent {
  readonly reply: Reply;
  readonly footprint: Footprint;
}

interface Step {
  readonly step: TraceStep;
  readonly footprint: Footprint;
  readonly reply: Fields | undefined;
  /** An upsert has looked and found none, and has no reply yet. */
  readonly isLook?: boolean;
  /** The fresh client after a crash. */
  readonly restarted?: GatedClient;
}

/**
 * Releases one command, or injects a fault at it. When this returns, the client has its reply but may not have reacted to it yet. An
 * upsert that finds none has only looked then, and stays at the gate; with a fault it looks and inserts in one step.
 */
export async function takeStep(setup: StepSetup, command: HeldCommand, fault: FaultKind | undefined): Promise<Step> {
  if (!setup.upserts.isInsert(command)) {
    const isLook = fault === undefined && (await setup.upserts.findsNone(command));
    return isLook ? look(setup, command) : release(setup, command, fault);
  }
  const { step, ...rest } = await release(setup, command, fault);
  return { step: { ...step, touched: `${step.touched}, insert` }, ...rest };
}

/** The first step of an upsert: it reads, and finds none. */
function look({ transactions, upserts, writer }: StepSetup, command: HeldCommand): Step {
  upserts.looked(command);
  const body = { ...lookOf(command.body)?.find, $db: command.body['$db'] };
  return {
    step: { ...writer.step(command, undefined), reply: 'finds none' },
    footprint: transactions.record({ ...command, name: 'find', body }, {}),
    reply: undefined,
    isLook: true,
  };
}

/** Releases a command and records what it did. */
async function send({ gate, transactions, upserts }: StepSetup, command: HeldCommand): Promise<Sent> {
  const isInsert = upserts.isInsert(command);
  const reply = await upserts.release(gate, command);
  const insert = isInsert ? await upserts.insertOf(command.body, reply.body) : undefined;
  const footprint =
    insert === undefined
      ? transactions.record(command, reply.body)
      : transactions.record({ ...command, name: 'insert', body: insert }, { ok: 1, n: 1 });
  return { reply, footprint };
}

async function release(setup: StepSetup, command: HeldCommand, fault: FaultKind | undefined): Promise<Step> {
  const { gate, writer, faults } = setup;
  switch (fault) {
    case undefined: {
      const { reply, footprint } = await send(setup, command);
      reply.deliver();
      return { step: writer.step(command, reply.body), footprint, reply: reply.body };
    }
    case 'lost-reply': {
      const { reply, footprint } = await send(setup, command);
      reply.lose();
      return {
        step: writer.step(command, reply.body, fault),
        footprint: { ...footprint, isFault: true },
        reply: reply.body,
      };
    }
    case 'reset':
      gate.reset(command);
      return {
        step: writer.step(command, undefined, fault),
        footprint: { ...NOTHING, isFault: true },
        reply: undefined,
      };
    case 'error': {
      const wanted = await faults.failNext(command.client, command.name);
      const reply = await gate.release(command);
      reply.deliver();
      const code = errorCode(reply.body);
      if (code === undefined) throw notRefused(command);
      if (code !== wanted) throw refusedOtherwise(wanted, code);
      // The server refuses the command before it starts, so an open transaction stays open. Other errors end the transaction.
      return {
        step: writer.step(command, reply.body, fault),
        footprint: { ...NOTHING, isFault: true },
        reply: reply.body,
      };
    }
    case 'step-down': {
      const refused = await failOver(setup);
      const reply = refused.find((one) => one.command === command)?.reply;
      const others = refused.filter((one) => one.command !== command);
      return {
        step: writer.step(command, reply, fault, others),
        footprint: { ...NOTHING, isFault: true, isFailover: true },
        reply,
      };
    }
    case 'step-down-after': {
      const { reply, footprint } = await send(setup, command);
      const refused = await failOver(setup, () => reply.lose());
      return {
        step: writer.step(command, reply.body, fault, refused),
        footprint: { ...footprint, isFault: true, isFailover: true },
        reply: reply.body,
      };
    }
    case 'crash-after': {
      const { reply, footprint: whole } = await send(setup, command);
      const { movesSnapshot, ...before } = whole;
      const { restarted, footprint } = await crash(setup, command.client);
      return {
        step: writer.step(command, reply.body, fault),
        reply: reply.body,
        footprint: {
          ...before,
          writes: [...before.writes, ...footprint.writes],
          movesSnapshot: movesSnapshot || footprint.movesSnapshot,
          everything: before.everything || footprint.everything,
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
    `The server did not refuse "${name}" although the failCommand fail point was set. Either another process changed the fail point, or the server can't refuse this command.`,
  );

/** The server gives some codes, such as 11000, only together with details that the fail point does not make up. */
const refusedOtherwise = (wanted: number, code: number): InterleaveError =>
  new InterleaveError(
    'invalid-option',
    `errorCode must be a code that the failCommand fail point can give: for ${wanted} the server gave ${code}.`,
  );

async function failOver(
  { transactions, faults }: StepSetup,
  meanwhile?: () => void,
): Promise<readonly RefusedCommand[]> {
  const refused = await faults.failOver(meanwhile);
  transactions.failOver();
  return refused;
}

async function crash(
  { transactions, faults }: StepSetup,
  client: number,
): Promise<Required<Pick<Step, 'footprint' | 'restarted'>>> {
  const { fresh, readData } = await faults.crash(client, transactions.openSessionOf(client));
  const ended = faults.leavesTransactions ? transactions.abandon(client) : transactions.crash(client);
  // The fresh client was prepared past the gate: what its commands read and wrote is not known.
  return { footprint: { ...ended, everything: readData, isFault: true }, restarted: fresh };
}
