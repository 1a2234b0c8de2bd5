import type { Collection, Db } from 'mongodb';
import type {
  Flow,
  Mutant,
  ProgramFlow,
  Protocol,
  Run,
  Scenario,
  System,
  SystemTypes,
  Violation,
} from '../../src/index.ts';

/* A made-up system, as small as a system can be: callers reserve seats of a hall, and each seat is sold once. */

export interface Seats extends SystemTypes {
  readonly call: { readonly op: 'reserve'; readonly seat: string };
  readonly answer:
    | { readonly kind: 'reserved'; readonly ticket: string }
    /** Without a ticket: the flow only knows that the seat is gone. */
    | { readonly kind: 'already-reserved'; readonly ticket?: string }
    | { readonly kind: 'sold-out' | 'unknown-seat' };
  readonly claim: { readonly seat: string; readonly caller: number };
  readonly state: readonly Seat[];
  readonly start: { readonly seats: readonly string[] };
  readonly service: { readonly name: string };
}

interface Seat {
  readonly _id: string;
  readonly sold: number;
}

const seatsOf = (db: Db): Collection<Seat> => db.collection<Seat>('seats');

type Reserve = (seats: Collection<Seat>, seat: string) => Promise<boolean>;

const open =
  (reserve: Reserve): Flow<Seats>['open'] =>
  (db) => ({
    call: async (caller, { seat }) =>
      (await reserve(seatsOf(db), seat))
        ? { kind: 'reserved', ticket: `${seat} for ${caller}` }
        : { kind: 'already-reserved' },
  });

export const atomic: Flow<Seats> = {
  name: 'atomic',
  about: 'sells a seat in one command that looks whether it is free',
  expected: 'valid',
  storms: [{ scenario: 'one-seat', deployment: 'hall', processes: 2 }],
  explorations: [{ scenario: 'one-seat', deployment: 'hall', callers: 2 }],
  open: open(async (seats, _id) => (await seats.updateOne({ _id, sold: 0 }, { $inc: { sold: 1 } })).modifiedCount > 0),
};

const readThenSell: Mutant<Seats> = {
  name: 'read-then-sell',
  about: 'looks whether a seat is free, and sells it in a second command',
  expected: 'violated',
  breaks: ['S1'],
  depth: 2,
  storms: [{ scenario: 'one-seat', deployment: 'hall' }],
  explorations: [{ scenario: 'one-seat', deployment: 'hall', callers: 2 }],
  open: open(async (seats, _id) => {
    if ((await seats.findOne({ _id, sold: 0 })) === null) return false;
    await seats.updateOne({ _id }, { $inc: { sold: 1 } });
    return true;
  }),
};

export const protocol: Protocol<Seats> = {
  toLine: ({ op, seat }, { name: service }) => ({ op, service, seat }),
  rehearsal: { op: 'reserve', seat: 'rehearsal' },
  answers: {
    reserved: { ticket: { type: 'text', isRequired: true } },
    'already-reserved': { ticket: { type: 'text', isRequired: false } },
    'sold-out': {},
    'unknown-seat': {},
  },
  toAnswer: (word, { ticket }): Seats['answer'] => {
    if (word === 'reserved') return { kind: word, ticket: ticket as string };
    if (word === 'already-reserved')
      return ticket === undefined ? { kind: word } : { kind: word, ticket: ticket as string };
    return { kind: word as 'sold-out' | 'unknown-seat' };
  },
};

const program: ProgramFlow<Seats> = {
  name: 'exec',
  about: 'a command of yours, in any language',
  expected: 'valid',
  storms: [{ scenario: 'one-seat', deployment: 'hall' }],
  explorations: [{ scenario: 'one-seat', deployment: 'hall', callers: 2 }],
  protocol,
};

const reservations = (count: number, seat = 's1') =>
  Array.from({ length: count }, (_, caller) => ({ caller, call: { op: 'reserve', seat } as const }));

export const oneSeat: Scenario<Seats> = {
  name: 'one-seat',
  about: 'all want the same seat',
  sizes: [{ name: 'seats', about: 'seats of the hall' }],
  storm: ({ callers = 20, seats = 1 }) => ({
    start: { seats: Array.from({ length: seats }, (_, index) => `s${index + 1}`) },
    calls: reservations(callers),
  }),
  gated: (callers) => ({
    start: { seats: ['s1'] },
    clients: reservations(callers).map((call) => ({ calls: [call] })),
  }),
};

const check = ({ final }: Run<Seats>): Violation[] =>
  final.flatMap(({ _id, sold }) =>
    sold > 1 ? [{ invariant: 'S1', sentence: `the seat ${_id} was sold ${sold} times` }] : [],
  );

const seatsSystem: System<Seats> = {
  name: 'seats',
  invariants: { S1: 'a seat is sold once' },
  deployments: [{ name: 'hall', services: [{ name: 'box-office' }] }],
  scenarios: [oneSeat],
  flows: [atomic, readThenSell, program],
  fill: async (db, _deployment, { seats }) => {
    await seatsOf(db).insertMany(seats.map((_id) => ({ _id, sold: 0 })));
  },
  read: (db, _deployment, session) =>
    seatsOf(db)
      .find({}, session === undefined ? {} : { session })
      .toArray(),
  check,
};

export default seatsSystem;
