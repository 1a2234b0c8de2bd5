import { formatDuration } from './duration.ts';
import { DEFAULT_ROUND_MS, type ExplorationTrial, type Rounds, type StormTrial, type Trial } from './trial.ts';

/** The options that name a trial's flow, for a POSIX shell. */
export const flowOptions = ({
  flow,
  exec,
  execFresh = false,
  judged,
}: Pick<Trial, 'flow' | 'exec' | 'execFresh' | 'judged'>): string =>
  [
    exec === undefined ? `--flow ${flow}` : `--exec '${exec.replaceAll("'", `'\\''`)}'`,
    ...(execFresh ? ['--exec-fresh'] : []),
    ...(judged === undefined ? [] : [`--judged ${judged}`]),
  ].join(' ');

/** The command that runs a storm again. @param command as in `pnpm stress` */
export const stormCommand = (command: string, trial: StormTrial): string =>
  [
    `${command} --scenario ${trial.scenario} ${flowOptions(trial)} --deployment ${trial.deployment}`,
    `--processes ${trial.processes}`,
    ...Object.entries(trial.size).map(([name, count]) => `--${name} ${count}`),
    ...(trial.maxConcurrency === undefined ? [] : [`--max-concurrency ${trial.maxConcurrency}`]),
    ...(trial.rounds === undefined ? [] : roundOptions(trial.rounds)),
    `--seed ${trial.seed}`,
  ].join(' ');

const roundOptions = ({ forMs, faults, everyMs, roundMs, goOn }: Rounds): string[] => [
  `--for ${formatDuration(forMs)}`,
  ...(faults.length === 0 ? [] : [`--fault ${faults.join(',')} --every ${formatDuration(everyMs)}`]),
  ...(roundMs === DEFAULT_ROUND_MS ? [] : [`--round ${formatDuration(roundMs)}`]),
  ...(goOn ? ['--go-on'] : []),
];

/** The command that runs an exploration again. */
export const exploreCommand = (command: string, trial: ExplorationTrial): string =>
  [
    `${command} explore ${explorationOptions(trial)}`,
    ...(trial.faults === undefined ? [] : [`--faults ${trial.faults.join(',')}`]),
    ...(trial.maxPreemptions === undefined ? [] : [`--max-preemptions ${trial.maxPreemptions}`]),
  ].join(' ');

/** The command that runs one schedule again. */
export const replayCommand = (command: string, token: string, trial: ExplorationTrial): string =>
  `${command} replay ${token} ${explorationOptions(trial)}`;

const explorationOptions = (trial: ExplorationTrial): string =>
  `${flowOptions(trial)} --scenario ${trial.scenario} --deployment ${trial.deployment} --callers ${trial.callers}`;
