import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '..');
const pages = globSync('**/*.md', { cwd: ROOT, exclude: ['**/node_modules/**', 'store/**'] }).toSorted();

/** The relative links of a page, with the heading that they lead to. */
const linksOf = (text: string): string[] =>
  [...text.replaceAll(/```.*?```/gs, '').matchAll(/\]\((?!https?:)([^)\s]+)\)/g)].map(([, link = '']) => link);

/** A heading as GitHub names it. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (file: string): string[] =>
  [...readFileSync(file, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading));

/** What is wrong with a link, if anything. */
function complaintOf(page: string, link: string): string | undefined {
  const [path = '', anchor] = link.split('#');
  const file = path === '' ? join(ROOT, page) : join(ROOT, dirname(page), path);
  if (!existsSync(file)) return `${page}: ${link} leads nowhere`;
  return anchor === undefined || anchorsOf(file).includes(anchor) ? undefined : `${page}: ${link} has no such heading`;
}

describe('links between pages', () => {
  test('lead to files and headings that are there', () => {
    const links = pages.flatMap((page) =>
      linksOf(readFileSync(join(ROOT, page), 'utf8')).map((link) => [page, link] as const),
    );
    expect(links.map(([page, link]) => complaintOf(page, link)).filter((text) => text !== undefined)).toEqual([]);
    expect(links.length).toBeGreaterThan(50);
  });

  test.each(['nowhere.md', 'README.md#no-such-heading', '#no-such-heading'])('%s would be found', (link) => {
    expect(complaintOf('README.md', link)).toBeDefined();
  });
});
