import { Command } from 'commander';
import type { ProviderName } from 'mongo-replica-set';
import {
  counted,
  jsonOption,
  listed,
  named,
  providerOption,
  quietOption,
  timeLimitOption,
} from '../command-options.ts';
import { knownBad } from '../subjects/index.ts';

export interface CatalogueOptions {
  readonly subject?: string;
  readonly tries: number;
  /** Seconds. */
  readonly budget: number;
  readonly seed: number;
  /** Seconds. */
  readonly timeLimit: number;
  readonly provider?: ProviderName;
  readonly json: boolean;
  readonly quiet: boolean;
}

const TRIES = 5;
const BUDGET_SECONDS = 2;

const examples = `
One line a flow; a cell has runs and seconds until a promise of the flow's was first seen broken, - where it never was, and is empty where
there was nothing to run. Storm, random and PCT are tried several times, and the median is shown; exhaustive and crash
grid go the same way each time.

Examples:
  $ pnpm stress catalogue
  $ pnpm stress catalogue --subject lock-by-find --tries 11 --budget 10

Exit codes: 0 every flow was caught, 1 one survived every interleaving and every crash, 2 the time limit left one untried,
64 usage, 69 no MongoDB, 70 internal error, 130 interrupted.`;

export function catalogueCommand(chosen: (options: CatalogueOptions) => void): Command {
  return new Command('catalogue')
    .description('Shows for each known-bad flow how long each way of looking takes to see what is wrong with it.')
    .addOption(
      named(
        '--subject <name>',
        listed('one flow alone', knownBad),
        knownBad.map(({ name }) => name),
      ),
    )
    .addOption(counted('--tries <count>', 'tries of what is a matter of luck').default(TRIES))
    .addOption(counted('--budget <seconds>', 'a try that has seen nothing by then is given up').default(BUDGET_SECONDS))
    .addOption(counted('--seed <number>', 'what chance begins with', { min: 0 }).default(1))
    .addOption(timeLimitOption())
    .addOption(providerOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', examples)
    .allowExcessArguments(false)
    .action((options: CatalogueOptions) => chosen(options));
}
