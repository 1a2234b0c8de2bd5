import { InvalidArgumentError, Option, type Command } from 'commander';
import { closest, distance } from 'fastest-levenshtein';
import { PROVIDER_NAMES, type ProviderName } from 'mongo-test-replica-set';
import { environmentName } from '../system/environment-name.ts';
import { isExplored, isMutant, isProgram } from '../system/flow.ts';
import { JUDGED_STATES } from '../system/judged-states.ts';
import type { System } from '../system/system.ts';
import type { SystemTypes } from '../system/system-types.ts';
import { parseDuration } from '../trial/duration.ts';
import { everyFlowOf } from '../trial/flows-of.ts';

const MAX_COUNT = 1_000_000;
/** A timer holds no more than 2^31 - 1 milliseconds; with more it would fire at once. */
const MAX_DURATION_SECONDS = 2_147_483;

/** `--max-duration`, where the user does not give it. */
interface DefaultDuration {
  readonly seconds: number;
  /** As the help says it. */
  readonly text: string;
}

const LIMITED: DefaultDuration = { seconds: 600, text: '600' };
/** Of commands whose rows have a budget. */
export const UNLIMITED: DefaultDuration = { seconds: MAX_DURATION_SECONDS, text: 'none' };
/** Of one that is unlimited with `--for`. */
export const LIMITED_WITHOUT_FOR: DefaultDuration = { ...LIMITED, text: `${LIMITED.text}, and none with --for` };

/** What every command that needs MongoDB can be told. */
export interface CommonOptions {
  /** Seconds. */
  readonly maxDuration: number;
  readonly provider?: ProviderName;
}

/** How a command shows its result. */
export interface OutputOptions {
  readonly json: boolean;
  readonly quiet: boolean;
}

/** The options of a system's commands. Each can also be given in the environment, as `<SYSTEM>_<OPTION>`. */
export class Options<T extends SystemTypes> {
  readonly #system: System<T>;

  constructor(system: System<T>) {
    this.#system = system;
  }

  /** `--scenario`, `--flow`, `--exec`, `--deployment` and `--judged`. @param form the scenarios that have this form */
  trial(command: Command, form: 'storm' | 'gated'): Command {
    const { scenarios, flows, deployments } = this.#system;
    const nameable = everyFlowOf(this.#system).filter((flow) => !isProgram(flow));
    const fitting = scenarios.filter((scenario) => scenario[form] !== undefined);
    const inProcess = flows.filter((flow) => !isProgram(flow));
    command
      .addOption(this.named('--scenario <name>', listed('start state and calls', fitting), namesOf(fitting)))
      .addOption(this.named('--flow <name>', listed('the flow under test', inProcess), namesOf(nameable)))
      .addOption(
        this.named(
          '--deployment <name>',
          `which services, on which collections: ${namesOf(deployments).join(', ')}`,
          namesOf(deployments),
        ),
      );
    command.addOption(
      this.named(
        '--judged <states>',
        'where the invariants of a state must hold: every-commit, or end for a flow that passes through broken states (default: as the flow says)',
        JUDGED_STATES,
      ),
    );
    if (!flows.some(isProgram)) return command;
    command.addOption(this.#exec());
    return form === 'storm' ? command : command.addOption(this.#execFresh());
  }

  /** `--flow`, for mutants alone that interleavings show. */
  mutant(command: Command): Command {
    return this.#oneOfMutants(command, this.#system.flows.filter(isMutant).filter(isExplored));
  }

  /** `--flow`, for mutants alone that have storms with faults. */
  faultMutant(command: Command): Command {
    const mutants = this.#system.flows.filter(isMutant);
    return this.#oneOfMutants(
      command,
      mutants.filter(({ faultStorms = [] }) => faultStorms.length > 0),
    );
  }

  #oneOfMutants(command: Command, mutants: readonly { readonly name: string; readonly about: string }[]): Command {
    return command.addOption(this.named('--flow <name>', listed('one mutant alone', mutants), namesOf(mutants)));
  }

  /** `--max-duration` and `--provider`. */
  common(command: Command, { seconds, text }: DefaultDuration = LIMITED): Command {
    return command
      .addOption(
        this.counted(
          '--max-duration <seconds>',
          'stop after this many seconds; rows that are not over by then are unknown',
          { max: MAX_DURATION_SECONDS },
        ).default(seconds, text),
      )
      .addOption(
        this.named(
          '--provider <name>',
          `where MongoDB comes from: ${PROVIDER_NAMES.join(', ')} (default: the first that works)`,
          PROVIDER_NAMES,
        ),
      );
  }

  store(command: Command): Command {
    return command.addOption(
      new Option('--store <folder>', 'where results are kept').default('store').env(this.#variable('--store')),
    );
  }

  output(command: Command): Command {
    return command
      .addOption(new Option('--json', 'print the result as JSON on standard output, and nothing else').default(false))
      .addOption(new Option('-q, --quiet', 'no progress').default(false));
  }

  /** An option that takes one of these names. */
  named(flag: string, text: string, names: readonly string[]): Option {
    return new Option(flag, text).argParser(oneOf(names)).env(this.#variable(flag));
  }

  /** An option that takes some of these names, with commas between them. */
  several(flag: string, text: string, names: readonly string[]): Option {
    return this.list(flag, text, oneOf(names));
  }

  /** An option that takes several values, with commas between them. */
  list(flag: string, text: string, one: (text: string) => string): Option {
    return new Option(flag, text)
      .argParser((list: string) => list.split(',').map((value) => one(value.trim())))
      .env(this.#variable(flag));
  }

  /** An option that takes a whole number. */
  counted(flag: string, text: string, { min = 1, max = MAX_COUNT }: { min?: number; max?: number } = {}): Option {
    return new Option(flag, text).argParser(wholeNumber(min, max)).env(this.#variable(flag));
  }

  /** An option that takes a duration. @param text says the default @returns milliseconds */
  duration(flag: string, text: string): Option {
    return new Option(flag, text).argParser(milliseconds).env(this.#variable(flag));
  }

  /** A command takes the place of a flow. */
  #exec(): Option {
    return new Option('--exec <command>', 'the flow under test as a command of yours, in any language')
      .argParser(notEmpty)
      .conflicts('flow')
      .env(this.#variable('--exec'));
  }

  #execFresh(): Option {
    const text = 'each run starts the command anew, for a program that keeps something in memory from call to call';
    return new Option('--exec-fresh', text).env(this.#variable('--exec-fresh'));
  }

  #variable(flag: string): string {
    return environmentName(this.#system.name, flag.replace(/^--/, '').replace(/ .*$/, ''));
  }
}

/** The parts that the user gave: an absent part means the default's. */
export const givenParts = <P extends object>(parts: { readonly [K in keyof P]: P[K] | undefined }): Partial<P> =>
  Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined)) as Partial<P>;

/** Names and what they are, one a line. */
const listed = (text: string, items: readonly { readonly name: string; readonly about: string }[]): string =>
  items.length === 0
    ? `${text}: there are none`
    : `${text}:\n${items.map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`;

const namesOf = (items: readonly { readonly name: string }[]): string[] => items.map(({ name }) => name);

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };

function milliseconds(text: string): number {
  const durationMs = parseDuration(text);
  if (durationMs === undefined || durationMs === 0)
    throw new InvalidArgumentError('Expected a duration, as in 500ms, 30s, 5m or 2h.');
  return durationMs;
}

function notEmpty(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Expected a command for the shell.');
  return text;
}

export const oneOf =
  (names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    if (names.length === 0) throw new InvalidArgumentError('There are none.');
    const near = closest(text, names);
    const meant = distance(text, near) <= text.length / 2 ? `Did you mean ${near}? ` : '';
    throw new InvalidArgumentError(`${meant}There are: ${names.join(', ')}.`);
  };
