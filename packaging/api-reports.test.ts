import { expect, test } from 'vitest';
import { extractApi, REPORTED } from './support/api-report.ts';

// The global set-up has built `dist`. A change of what users see is a change of a file in git, which a reviewer reads.
test.each(REPORTED)('$report is what the package exports (pnpm api-reports writes it)', (entry) => {
  expect(extractApi(entry, { update: false })).toEqual({ same: true, messages: [] });
});
