import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Extractor, ExtractorConfig, ExtractorLogLevel, type ExtractorMessage } from '@microsoft/api-extractor';
import { ROOT } from './tarballs.ts';

/** An entry of a package, whose signatures stand in `packages/<name>/etc/<report>`. */
export interface ReportedEntry {
  readonly name: string;
  /** The file of the entry in `dist`, without `.d.ts`. */
  readonly entry: string;
  readonly report: string;
}

/** The `testing` entries have none: what they export may change with any version. */
export const REPORTED: readonly ReportedEntry[] = [
  { name: 'rotation-core', entry: 'index', report: 'rotation-core.api.md' },
  { name: 'mongo-interleave', entry: 'index', report: 'mongo-interleave.api.md' },
  { name: 'mongo-interleave', entry: 'fast-check', report: 'mongo-interleave.fast-check.api.md' },
  { name: 'mongo-interleave', entry: 'gate/index', report: 'mongo-interleave.gate.api.md' },
];

export interface Extracted {
  /** The report of git is that of `dist`. */
  readonly same: boolean;
  /** Errors and warnings of API Extractor. */
  readonly messages: readonly string[];
}

/**
 * Compares the report in git with `dist`, which must have been built.
 *
 * @param update true: the report in git is written anew
 */
export function extractApi({ name, entry, report }: ReportedEntry, { update }: { update: boolean }): Extracted {
  const projectFolder = join(ROOT, 'packages', name);
  const off = { logLevel: ExtractorLogLevel.None };
  const warning = { logLevel: ExtractorLogLevel.Warning };
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, 'dist', `${entry}.d.ts`),
      newlineKind: 'lf',
      compiler: { overrideTsconfig: { ...readBase(), include: [join(projectFolder, 'dist')] } },
      apiReport: {
        enabled: true,
        reportFileName: report,
        reportFolder: join(projectFolder, 'etc'),
        reportTempFolder: join(ROOT, 'node_modules/.cache/api-reports'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: warning },
        extractorMessageReporting: {
          default: warning,
          // All that is exported is public.
          'ae-missing-release-tag': off,
          'ae-undocumented': off,
          // Links lead to constants inside, too: comments are written for readers of the source.
          'ae-unresolved-link': off,
          // A type that others mention is shown where they stand.
          'ae-forgotten-export': { ...off, addToApiReportFile: true },
        },
        tsdocMessageReporting: { default: off },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: join(projectFolder, 'package.json'),
  });
  const messages: string[] = [];
  const { apiReportChanged } = Extractor.invoke(config, {
    localBuild: update,
    messageCallback: (message) => {
      message.handled = true;
      if (isProblem(message)) messages.push(`${message.messageId}: ${message.text}`);
    },
  });
  return { same: !apiReportChanged, messages };
}

/** Messages about the report itself are told by `same`. */
const isProblem = ({ logLevel, messageId }: ExtractorMessage): boolean =>
  [ExtractorLogLevel.Error, ExtractorLogLevel.Warning].includes(logLevel) &&
  !messageId.startsWith('console-api-report');

function readBase(): { readonly compilerOptions: object } {
  const { compilerOptions } = JSON.parse(readFileSync(join(ROOT, 'tsconfig.base.json'), 'utf8')) as {
    compilerOptions: object;
  };
  return { compilerOptions };
}
