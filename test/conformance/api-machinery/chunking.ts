/** test/e2e/apimachinery/chunking.go says what is demanded. */
import assert from 'node:assert/strict';
import type { Json } from '../api.ts';
import type { Suite, World } from '../suite.ts';
import { eventually } from '../suite.ts';

const group = '[sig-api-machinery] Servers with support for API chunking should';
const total = 400;
const nameOf = (index: number) => `template-${String(index).padStart(4, '0')}`;

async function fill(world: World): Promise<string> {
  const path = world.inNamespace('podtemplates');
  const template = {
    metadata: { labels: { name: 'x' } },
    spec: { containers: [{ name: 'test', image: 'test2' }] },
  };
  const make = (index: number) => world.api.create(path, { metadata: { name: nameOf(index) }, template });
  for (let from = 0; from < total; from += 20) {
    await Promise.all(Array.from({ length: 20 }, (_, index) => make(from + index)));
  }
  return path;
}

const names = (list: Json): string[] => list.items.map((item: Json) => item.metadata.name);

/** The pages from a token on; each is checked against what must be left after it. */
async function readOn(world: World, page: (token: string) => string, first: Json): Promise<string[]> {
  const seen = names(first);
  let { metadata } = first;
  while (metadata.continue) {
    const left = total - seen.length;
    const next = await world.api.get(page(metadata.continue));
    assert.equal(next.metadata.resourceVersion, metadata.resourceVersion);
    seen.push(...names(next));
    if (next.metadata.continue) assert.equal(next.metadata.remainingItemCount, left - next.items.length);
    else assert.ok(!next.metadata.remainingItemCount);
    metadata = next.metadata;
  }
  return seen;
}

export default function register({ conformance }: Suite): void {
  conformance(`${group} return chunks of results for list calls`, async world => {
    const path = await fill(world);
    const limit = 1 + Math.floor(total / 11);
    const first = await world.api.get(`${path}?limit=${limit}`);
    assert.equal(first.items.length, limit);
    assert.equal(first.metadata.remainingItemCount, total - limit);
    const page = (token: string) => `${path}?limit=${limit}&continue=${encodeURIComponent(token)}`;
    const all = Array.from({ length: total }, (_, index) => nameOf(index));
    assert.deepEqual(await readOn(world, page, first), all);
    const whole = await world.api.get(path);
    assert.deepEqual(names(whole), all);
    assert.equal(whole.metadata.continue, undefined);
  });

  conformance(
    `${group} support continue listing from the last key if the original version has been compacted away, though the list is inconsistent [Slow]`,
    async world => {
      const path = await fill(world);
      const limit = Math.floor(total / 3);
      const page = (token: string) => `${path}?limit=${limit}&continue=${encodeURIComponent(token)}`;
      const first = await world.api.get(`${path}?limit=${limit}`);
      // Upstream waits minutes for etcd's compaction. History is bounded by its bytes, too: large changes are forgotten sooner.
      const expired = await eventually('the token expires', async () => {
        await Promise.all(Array.from({ length: 20 }, (_, index) => grow(world, nameOf(index))));
        const answer = await world.api.send({ path: page(first.metadata.continue) });
        return answer.status === 410 && answer.body;
      });
      assert.equal(expired.reason, 'Expired');
      assert.ok(expired.metadata.continue, 'a token to go on with comes along');
      assert.notEqual(expired.metadata.continue, first.metadata.continue);
      const second = await world.api.get(page(expired.metadata.continue));
      assert.equal(second.items.length, limit);
      assert.notEqual(second.metadata.resourceVersion, first.metadata.resourceVersion);
      const merged = { items: [...first.items, ...second.items], metadata: second.metadata };
      assert.deepEqual(
        await readOn(world, page, merged),
        Array.from({ length: total }, (_, index) => nameOf(index)),
      );
    },
  );
}

const grow = (world: World, name: string) =>
  world.api.patch(`${world.inNamespace('podtemplates')}/${name}`, {
    metadata: { annotations: { grown: `${performance.now()}${'x'.repeat(200_000)}` } },
  });
