import { InvalidArgumentError, Option } from 'commander';
import { closest } from 'fastest-levenshtein';
import { providerNames } from 'mongo-replica-set';

const COUNT_MAX = 1_000_000;
/** A timer holds no more than 2^31 - 1 milliseconds; it would fire at once. */
const TIME_LIMIT_MAX_SECONDS = 2_147_483;
const TIME_LIMIT_SECONDS = 600;

/** An option that takes one of these names; it can also be given in the environment. */
export const named = (flag: string, text: string, names: Iterable<string>): Option =>
  new Option(flag, text).argParser(oneOf([...names])).env(environmentName(flag));

/** An option that takes some of these names, with commas between them; it can also be given in the environment. */
export const several = (flag: string, text: string, names: Iterable<string>): Option => {
  const one = oneOf([...names]);
  return new Option(flag, text)
    .argParser((list: string) => list.split(',').map((name) => one(name.trim())))
    .env(environmentName(flag));
};

/** An option that takes a whole number; it can also be given in the environment. */
export const counted = (
  flag: string,
  text: string,
  { min = 1, max = COUNT_MAX }: { min?: number; max?: number } = {},
): Option => new Option(flag, text).argParser(wholeNumber(min, max)).env(environmentName(flag));

/** A flow in any language; it takes the place of a subject. */
export const execOption = (): Option =>
  new Option('--exec <command>', 'the flow under test as a command of yours, in any language: docs/any-language.md')
    .argParser(notEmpty)
    .conflicts('subject')
    .env(environmentName('--exec'));

export const timeLimitOption = (): Option =>
  counted('--time-limit <seconds>', 'runs that have not ended by then are unknown', {
    max: TIME_LIMIT_MAX_SECONDS,
  }).default(TIME_LIMIT_SECONDS);

export const providerOption = (): Option =>
  named(
    '--provider <name>',
    `where MongoDB comes from: ${providerNames.join(', ')} (default: the first that works)`,
    providerNames,
  );

export const storeOption = (): Option =>
  new Option('--store <folder>', 'where results are kept').default('store').env('ROTATION_STORE');
export const jsonOption = (): Option =>
  new Option('--json', 'print the result as JSON on standard output, and nothing else').default(false);
export const quietOption = (): Option => new Option('-q, --quiet', 'no progress').default(false);

/** Names and what they are, one a line. */
export const listed = (text: string, items: Iterable<{ readonly name: string; readonly about: string }>): string =>
  `${text}:\n${[...items].map(({ name, about }) => `  ${name}: ${about}`).join('\n')}`;

/** `--time-limit <seconds>` can also be given as ROTATION_TIME_LIMIT. */
const environmentName = (flag: string): string =>
  `ROTATION_${flag.replace(/^--/, '').replace(/ .*$/, '').replaceAll('-', '_').toUpperCase()}`;

const wholeNumber =
  (min: number, max: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max)
      throw new InvalidArgumentError(`Expected a whole number from ${min} to ${max}.`);
    return value;
  };

function notEmpty(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('Expected a command for the shell.');
  return text;
}

export const oneOf =
  (names: readonly string[]) =>
  (text: string): string => {
    if (names.includes(text)) return text;
    throw new InvalidArgumentError(`Did you mean ${closest(text, names)}? There are: ${names.join(', ')}.`);
  };
