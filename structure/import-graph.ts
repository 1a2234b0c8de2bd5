import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, sep } from 'node:path';
import { PACKAGES, type PackageLayout } from './layout.ts';

/** One import between two source files; paths are from the repository's root, with `/`. */
export interface Import {
  readonly from: string;
  readonly to: string;
}

const ROOT = join(import.meta.dirname, '..');
const packages = PACKAGES.flat();

/** The source files of the layout's packages. */
export const sourceFiles = (): string[] =>
  packages.flatMap(({ source }) =>
    readdirSync(join(ROOT, source), { recursive: true, encoding: 'utf8' })
      .map((file) => join(source, file).split(sep).join('/'))
      .filter((file) => /(?<!\.test)\.ts$/.test(file) && !file.includes('node_modules/')),
  );

export const readSource = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

/** All imports and re-exports among these files, `import type` included. */
export function readImports(): Import[] {
  const entries = readEntries();
  return sourceFiles().flatMap((from) =>
    specifiersOf(readSource(from)).flatMap((specifier) => {
      const to = specifier.startsWith('.')
        ? relative(ROOT, join(ROOT, dirname(from), specifier))
            .split(sep)
            .join('/')
        : entries.get(specifier);
      return to === undefined ? [] : [{ from, to }];
    }),
  );
}

/** What a module names after `from`, or imports for its effect or at run time. */
export const specifiersOf = (text: string): string[] =>
  [...text.matchAll(/^(?:import|export|\})[^'"\n]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm)].map(
    ([, named, bare, dynamic]) => named ?? bare ?? dynamic ?? '',
  );

/** The files behind `mongo-harness`, `rotation-core/testing`, ... */
function readEntries(): Map<string, string> {
  const entries = new Map<string, string>();
  for (const { name, source } of packages) {
    const folder = source.replace(/\/src$/, '');
    const { exports = {} } = JSON.parse(readSource(`${folder}/package.json`)) as { exports?: Record<string, string> };
    for (const [entry, file] of Object.entries(exports)) entries.set(join(name, entry), join(folder, file));
  }
  return entries;
}

/** Groups of files that import each other in a circle: the strongly connected components, by Tarjan's algorithm. */
export function findCircles(imports: readonly Import[]): string[][] {
  const next = Map.groupBy(imports, ({ from }) => from);
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const circles: string[][] = [];
  const visit = (file: string): void => {
    index.set(file, index.size);
    low.set(file, index.get(file) ?? 0);
    stack.push(file);
    for (const { to } of next.get(file) ?? []) {
      if (!index.has(to)) visit(to);
      if (stack.includes(to)) low.set(file, Math.min(low.get(file) ?? 0, low.get(to) ?? 0));
    }
    if (low.get(file) !== index.get(file)) return;
    const circle = stack.splice(stack.indexOf(file));
    const importsItself = imports.some(({ from, to }) => from === file && to === file);
    if (circle.length > 1 || importsItself) circles.push(circle.toSorted());
  };
  for (const { from } of imports) if (!index.has(from)) visit(from);
  return circles;
}

/** Where a file stands: its package and room, and the rows of both, counted from the top. */
export interface Place {
  readonly packageName: string;
  readonly room: string;
  readonly packageRow: number;
  readonly roomRow: number;
}

/** `undefined` where the layout has no room for the file. */
export function placeOf(file: string): Place | undefined {
  for (const [packageRow, row] of PACKAGES.entries())
    for (const layout of row) {
      if (!file.startsWith(`${layout.source}/`)) continue;
      const [room, roomRow] = roomOf(layout, file.slice(layout.source.length + 1));
      return room === undefined ? undefined : { packageName: layout.name, room, packageRow, roomRow };
    }
  return undefined;
}

function roomOf({ rooms }: PackageLayout, file: string): readonly [string | undefined, number] {
  const top = file.includes('/') ? file.slice(0, file.indexOf('/')) : file;
  for (const [row, neighbours] of rooms.entries()) {
    const room = neighbours.find((name) => name.split(', ').includes(top));
    if (room !== undefined) return [room, row];
  }
  return [undefined, -1];
}

/** Imports that lead to a room above, or to a neighbour, as sentences. */
export const findArrowsUp = (imports: readonly Import[]): string[] =>
  imports.flatMap(({ from, to }) => {
    const [source, target] = [placeOf(from), placeOf(to)];
    if (source === undefined || target === undefined) return [`${from} or ${to} is in no room of the layout`];
    const isDown =
      source.packageName === target.packageName
        ? source.room === target.room || source.roomRow < target.roomRow
        : source.packageRow < target.packageRow;
    return isDown ? [] : [`${from} imports ${to}, which the layout does not have below it`];
  });

/** The arrows between packages, as in `stress --> mongo-harness`. */
export const packageArrows = (imports: readonly Import[]): string[] =>
  [
    ...new Set(
      imports.flatMap(({ from, to }) => {
        const [source, target] = [placeOf(from)?.packageName, placeOf(to)?.packageName];
        return source === target ? [] : [`${source} --> ${target}`];
      }),
    ),
  ].toSorted();
