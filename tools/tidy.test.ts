/**
 * The rules of the repository that a computer can check. Each failure names the file, the rule and the fix.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, posix } from 'node:path';
import { test } from 'node:test';
import { referencePage } from '../src/cmd/config.ts';
import { generateResources, generateTypes } from './generate-types.ts';

const root = join(import.meta.dirname, '..');

/** Rooms by rank: a file may import only rooms of a lower rank (docs/architecture.md). */
const ranks: readonly (readonly string[])[] = [
  ['base'],
  ['wire', 'host', 'api'],
  ['store', 'client'],
  ['apiserver', 'controllers', 'scheduler', 'kubelet', 'overlay', 'proxy', 'dns', 'image'],
  ['cluster'],
  ['cmd'],
];

/** Files that may be longer than 400 lines, each with its reason. */
const longFiles: Readonly<Record<string, string>> = {
  'src/api/types.ts': 'generated from the tables',
};
const maxLines = 400;

/** Calls that only some rooms may make. */
const banned: readonly { pattern: RegExp; allowed: RegExp; fix: string; withComments?: boolean }[] = [
  {
    pattern: /\bDate\.now\(|\bnew Date\(\)|(?<![.\w])set(?:Timeout|Interval)\(|\bMath\.random\(|\bperformance\.now\(/,
    allowed: /^src\/base\//,
    fix: 'take a Clock or Random of #base as an argument',
  },
  { pattern: /\bprocess\.(?:env|argv)\b/, allowed: /^src\/(?:main\.ts|cmd\/)/, fix: 'take a value as an argument' },
  { pattern: /\bconsole\./, allowed: /^$/, fix: 'use the injected Log, or stdout of the invocation' },
  {
    pattern: /\bimport\.meta\b/,
    allowed: /^$/,
    fix: 'use an asset or an argument: the release is bundled as CommonJS',
  },
  { pattern: /^await /m, allowed: /^$/, fix: 'no top-level await: the release is bundled as CommonJS' },
  {
    pattern: /^(?:export )?let /m,
    allowed: /^$/,
    fix: 'no module-level state: two control planes in one process share nothing',
  },
  {
    pattern: /catch \{\s*\}|catch \(\w+\) \{\s*\}/,
    allowed: /^$/,
    fix: 'say in a sentence why nothing is done, or handle the error',
    withComments: true,
  },
];

const sources = listFiles('src').filter(file => file.endsWith('.ts'));
const isTest = (file: string) => /\.test\.ts$|\/testing\.ts$|\/testing\//.test(file);
const text = (file: string) => readFileSync(join(root, file), 'utf8');

test('rooms import only rooms of a lower rank, through their door', () => {
  const problems: string[] = [];
  for (const file of sources) {
    const room = roomOf(file);
    for (const target of importsOf(file)) {
      const other = /^#(\w+)(\/testing)?$/.exec(target);
      if (target.startsWith('#') && !other) problems.push(`${file}: ${target} is no door; import '#room'`);
      if (other?.[2] && !isTest(file)) problems.push(`${file}: ${target} is for tests only`);
      if (other && room && rankOf(other[1]!) >= rankOf(room)) {
        problems.push(
          `${file}: ${room} (rank ${rankOf(room)}) may not import ${other[1]} (rank ${rankOf(other[1]!)}); take it as an argument`,
        );
      }
      if (target.startsWith('.') && room && roomOf(resolve(file, target)) !== room && !target.endsWith('.json')) {
        problems.push(`${file}: ${target} leaves the room; import '#${roomOf(resolve(file, target))}'`);
      }
    }
  }
  assert.deepEqual(problems, []);
});

test('no file imports itself in a circle', () => {
  const graph = new Map(sources.map(file => [file, valueImports(file)]));
  const state = new Map<string, 'open' | 'done'>();
  const circles: string[] = [];
  const visit = (file: string, path: readonly string[]) => {
    if (state.get(file) === 'done') return;
    if (state.get(file) === 'open') {
      circles.push([...path.slice(path.indexOf(file)), file].join(' -> '));
      return;
    }
    state.set(file, 'open');
    for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
    state.set(file, 'done');
  };
  for (const file of sources) visit(file, []);
  assert.deepEqual(circles, []);
});

test('calls that make a component untestable stand only where they belong', () => {
  const problems: string[] = [];
  for (const file of sources.filter(name => !isTest(name))) {
    const code = stripComments(text(file));
    for (const { pattern, allowed, fix, withComments } of banned) {
      const match = pattern.exec(withComments ? text(file) : code);
      if (match && !allowed.test(file)) problems.push(`${file}: ${JSON.stringify(match[0].trim())}: ${fix}`);
    }
  }
  assert.deepEqual(problems, []);
});

test('every file is used', () => {
  const used = new Set(sources.flatMap(file => importsOf(file).map(target => resolve(file, target))));
  const entries = /^src\/main\.ts$|\.d\.ts$|\.test\.ts$|\/testing\.ts$|\/index\.ts$|\.worker\.ts$/;
  assert.deepEqual(
    sources.filter(file => !used.has(file) && !entries.test(file)),
    [],
    'import it or delete it',
  );
});

test('files stay short', () => {
  const long = sources
    .filter(file => !(file in longFiles))
    .map(file => ({ file, lines: text(file).split('\n').length }))
    .filter(({ lines }) => lines > maxLines);
  assert.deepEqual(long, [], `split files of more than ${maxLines} lines, or give the reason in longFiles`);
});

test('every room has a door and a page', () => {
  const rooms = ranks.flat().filter(room => existsSync(join(root, 'src', room)));
  const missing = rooms.flatMap(room => ['index.ts', 'README.md'].map(name => `src/${room}/${name}`));
  assert.deepEqual(
    missing.filter(file => !existsSync(join(root, file))),
    [],
  );
  const folders = readdirSync(join(root, 'src'), { withFileTypes: true }).filter(entry => entry.isDirectory());
  assert.deepEqual(
    folders.map(entry => entry.name).filter(name => !ranks.flat().includes(name)),
    [],
    'give the room a rank',
  );
});

test('the page of options is that of the table', () => {
  assert.equal(
    text('docs/reference/config.md'),
    referencePage(),
    'run: ./wherry config reference > docs/reference/config.md',
  );
});

test('the generated types are those of the tables', () => {
  const table = (name: string) => JSON.parse(text(`src/api/tables/${name}.json`));
  assert.equal(text('src/api/types.ts'), generateTypes(table('types')), 'run: node --run generate');
  assert.equal(
    text('src/api/resources.ts'),
    generateResources(table('resources'), table('types')),
    'run: node --run generate',
  );
});

test('links in the documents lead somewhere', () => {
  const documents = listFiles('.').filter(file => file.endsWith('.md'));
  const broken: string[] = [];
  for (const file of documents) {
    for (const [, target] of text(file).matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)) {
      if (!existsSync(join(root, dirname(file), target!))) broken.push(`${file}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

test('the README shows a first result by line 25 and ends by line 120', () => {
  const lines = text('README.md').split('\n');
  assert.ok(lines.length <= 121, `${lines.length} lines`);
  assert.ok(
    lines.slice(0, 25).some(line => line.includes('make up')),
    'make up must stand in the first 25 lines',
  );
});

function listFiles(folder: string): string[] {
  const options = { cwd: root, encoding: 'utf8' } as const;
  const output = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', folder], options);
  return output.split('\n').filter(file => file && existsSync(join(root, file)));
}

function roomOf(file: string): string | undefined {
  return /^src\/(\w+)\//.exec(file)?.[1];
}

function rankOf(room: string): number {
  const rank = ranks.findIndex(rooms => rooms.includes(room));
  assert.notEqual(rank, -1, `room ${room} has no rank`);
  return rank;
}

/** All import targets, also of types and of import(). */
function importsOf(file: string): string[] {
  const code = stripComments(text(file));
  return [...code.matchAll(/(?:from|import|import\()\s*'([^']+)'/g)].map(match => match[1]!);
}

/** Files that are loaded together with this one: no types, no import(). */
function valueImports(file: string): string[] {
  const code = stripComments(text(file));
  const matches = code.matchAll(/^(?:import|export)\s+(?!type\b)(?:[^;']*?from\s*)?'(\.[^']+)'/gm);
  return [...matches].map(match => resolve(file, match[1]!));
}

function resolve(file: string, target: string): string {
  const door = /^#(\w+)(\/testing)?$/.exec(target);
  if (door) return `src/${door[1]}/${door[2] ? 'testing' : 'index'}.ts`;
  return target.startsWith('.') ? posix.join(posix.dirname(file), target) : target;
}

function stripComments(code: string): string {
  return code.replace(/\/\*[\s\S]*?\*\//g, '').replace(/(^|[^:'"`])\/\/.*$/gm, '$1');
}
