/** `make up` and `make down` as a newcomer runs them: the shop answers, and nothing stays behind. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { root } from '../../tools/server.ts';
import { missingForPods } from './fixture.ts';
import { traces } from './leftovers.ts';

const dataFolder = '/var/lib/wherry';
const skip =
  missingForPods() ??
  (existsSync(join(dataFolder, 'wherry.pid')) ? 'a cluster runs on this machine: make down first' : false);

/** Runs one of the make targets without its set-up, which is what runs this test. */
function tool(name: string, ...args: string[]): { seconds: number; output: string } {
  const begin = performance.now();
  const result = spawnSync(process.execPath, [join(root, 'tools', `${name}.ts`), ...args], {
    encoding: 'utf8',
    timeout: 240_000,
  });
  const output = `${result.stdout}${result.stderr}`;
  assert.equal(result.status, 0, output);
  return { seconds: (performance.now() - begin) / 1000, output };
}

after(() => {
  if (!skip && existsSync(dataFolder)) tool('down', '--purge');
});

test('the shop comes up, answers, comes up again at once, and goes without a trace', { skip }, async () => {
  const before = traces();
  const first = tool('up');
  const url = /the shop answers at (\S+)/.exec(first.output)?.[1];
  assert.ok(url, first.output);
  const page = await fetch(url, { headers: { connection: 'close' } });
  assert.equal(page.status, 200);
  // A connection that is kept would outlive the shop that it led to.
  const get = (path: string) => fetch(`${url}${path}`, { headers: { connection: 'close' } });
  const readArticles = async () => ((await (await get('api/articles')).json()) as { articles: unknown[] }).articles;
  const articles = await readArticles();
  assert.ok(articles.length > 0, 'the seeding Job has filled the store');

  const again = tool('up');
  assert.match(again.output, /the server runs already/);
  assert.ok(again.seconds < first.seconds, `${again.seconds} s, the first took ${first.seconds} s`);

  tool('down');
  assert.deepEqual(traces(), before);
  assert.ok(existsSync(dataFolder), 'the data stays');

  // The same data again: pods come back from it.
  tool('up');
  assert.deepEqual(await readArticles(), articles);
  tool('down', '--purge');
  assert.deepEqual(traces(), before);
  assert.ok(!existsSync(dataFolder), 'the data is gone');
});
