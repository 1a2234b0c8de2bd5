/** Reads the snippets of a test file. @returns what stands between `// NAME` and the next `// END` in the source, set flush left */
export const snippetsOf =
  (source: string) =>
  (name: string): string => {
    const [, rest = ''] = source.split(new RegExp(`^ *// ${name}\\n`, 'm'));
    const [code = ''] = rest.split(/^ *\/\/ END\n/m);
    const indent = /^ */.exec(code)?.[0] ?? '';
    return code.replaceAll(new RegExp(`^${indent}`, 'gm'), '').trim();
  };
