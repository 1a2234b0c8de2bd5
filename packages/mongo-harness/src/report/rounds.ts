import { counted } from './explored.ts';
import type { FaultFigures, Row, RoundFigures, Spread } from './row.ts';

/** What storms that went on in rounds have to say beside the table, a paragraph each; empty if there are none. */
export const formatRounds = (rows: readonly Row[]): string[] =>
  rows.flatMap(({ trial, storm }) =>
    storm?.rounds === undefined
      ? []
      : [
          `${trial.scenario}, ${trial.flow} on ${trial.deployment}: ${headOf(storm.rounds, storm.durationMs)}`,
          ...formatPace(storm.rounds).map((line) => `  ${line}`),
          ...storm.rounds.faults.map((fault) => `  ${formatFault(fault)}`),
          `  ${formatCalls(storm.rounds)}`,
          '',
        ],
  );

const headOf = ({ judged, violated, calls }: RoundFigures, durationMs: number): string =>
  [
    `${counted(judged, 'round')} in ${seconds(durationMs)}`,
    counted(calls, 'call'),
    ...(violated === 0 ? [] : [`${violated} violated`]),
  ].join(', ');

/** As in `12 faults, from begin to begin 2.31 s on average (median 2.00 s, max 4.61 s), none for 2.10 s at most`. */
const formatPace = ({ faults, apartMs, undisturbedMs = 0 }: RoundFigures): string[] => {
  const made = faults.reduce((sum, fault) => sum + fault.made, 0);
  return apartMs === undefined
    ? []
    : [
        `${made} faults, from begin to begin ${seconds(apartMs.mean)} on average (median ${seconds(apartMs.median)}, max ${seconds(apartMs.max)}), none for ${seconds(undisturbedMs)} at most`,
      ];
};

/** As in `step-down: 4 made, 3 hit calls under way (median 57, of them 40 when it began), lasted 0.60 s (max 0.91 s), ...` */
function formatFault({ kind, made, hit, met, underWay, durationMs, outageMs, recoveryMs }: FaultFigures): string {
  const lasted = `lasted ${formatSpread(durationMs)}`;
  const hits =
    hit === 0
      ? 'NONE hit a call under way: they prove nothing'
      : `${hit} hit calls under way (median ${met}; ${underWay} of all when it began)`;
  const served =
    recoveryMs === undefined
      ? 'no call was served after it'
      : `first call served ${formatSpread(recoveryMs)} after its end`;
  return `${kind}: ${made} made, ${hits}, ${lasted}, ${served}, nobody served for ${formatSpread(outageMs)}`;
}

const formatCalls = ({
  longestCallMs,
  deadlineMs,
  allowanceMs,
  askedAgain,
  servedAgainMs,
  maxUnservedMs,
  inquired,
}: RoundFigures): string =>
  [
    longestCallMs === undefined ? 'no call was answered' : `longest call ${seconds(longestCallMs)}`,
    ...(deadlineMs === undefined
      ? []
      : [
          `each in time: ${seconds(deadlineMs)}, or its caller's own deadline, and ${seconds(allowanceMs)} for a busy process at most`,
        ]),
    askedAgain === 0
      ? 'no call had to be made again'
      : `${counted(askedAgain, 'call')} not served and made again${servedAgainMs === undefined ? ', in vain' : `, served within ${seconds(servedAgainMs)} of ${seconds(maxUnservedMs)}`}`,
    ...(inquired === 0 ? [] : [`${counted(inquired, 'call')} in doubt asked about`]),
  ].join('; ');

const formatSpread = ({ median, max }: Spread): string => `${seconds(median)} (max ${seconds(max)})`;

const MS_PER_SECOND = 1_000;
const seconds = (durationMs: number): string => `${(durationMs / MS_PER_SECOND).toFixed(2)} s`;
