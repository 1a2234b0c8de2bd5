import { readFile } from 'node:fs/promises';

/** Reads the snippets of a test file. @returns what stands between `// NAME` and the next `// END` in the source, set flush left */
export const snippetsOf =
  (source: string) =>
  (name: string): string => {
    const [, rest = ''] = source.split(new RegExp(`^ *// ${name}\\n`, 'm'));
    const [code = ''] = rest.split(/^ *\/\/ END\n/m);
    const indent = /^ */.exec(code)?.[0] ?? '';
    return code.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim();
  };

/** A page of documentation, whose blocks of code a test file runs. */
export interface Page {
  /** The whole text. */
  readonly text: string;
  /** Says that the code between `// NAME` and the next `// END` has run, which must be a block of the page. */
  ran(name: string): void;
  /** Says that this is what came out, which must be a block of the page. Line ends around it don't matter. */
  printed(output: string): void;
  /** The block that begins so, to be run as it stands. @throws where there is none */
  take(beginning: string): string;
  /** Blocks of the page that nothing was said of. A test expects that there are none when all others are over. */
  untried(): readonly string[];
}

/**
 * Opens a page beside the test file that runs it.
 *
 * @param path of the page
 * @param testFile its `import.meta.url`: the file with the snippets
 * @throws where a block of the page stands there twice
 */
export async function openPage(path: URL, testFile: string): Promise<Page> {
  const [text, source] = await Promise.all([readFile(path, 'utf8'), readFile(new URL(testFile), 'utf8')]);
  const codeOf = snippetsOf(source);
  const blocks = [...text.matchAll(BLOCK)].map(([, code = '']) => code.trim());
  const untried = new Set(blocks);
  if (untried.size < blocks.length) throw new Error(`${path.pathname} shows a block twice`);
  const expectBlock = (code: string, what: string): void => {
    if (!blocks.includes(code)) throw new Error(`${path.pathname} does not show ${what}:\n${code}`);
    untried.delete(code);
  };
  return {
    text,
    ran: (name) => expectBlock(codeOf(name), `the snippet ${name}`),
    printed: (output) => expectBlock(output.trim(), 'what came out'),
    take: (beginning) => {
      const block = blocks.find((code) => code.startsWith(beginning));
      if (block === undefined) throw new Error(`${path.pathname} has no block that begins with ${beginning}`);
      untried.delete(block);
      return block;
    },
    untried: () => [...untried],
  };
}

/** What stands between a pair of fences. */
const BLOCK = /^```[^\n]*\n(.*?)^```$/gms;
