/** Objects of every kind with one thing changed for something else, sent to be checked: whatever it is, it is never the server's fault. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parse } from 'yaml';
import { createProtobufCodec } from '#wire';
import { type SecureApi, startSecureApi } from './fixture.ts';

const testdata = join(import.meta.dirname, '../../src/api/kinds/testdata');
const tables = join(import.meta.dirname, '../../src/api/tables');
const resources: Record<string, { namespaced: boolean; kind: string }> = JSON.parse(
  readFileSync(join(tables, 'resources.json'), 'utf8'),
);

interface Case {
  kind: string;
  object: Record<string, unknown>;
}

const cases: Case[] = readdirSync(testdata)
  .filter(name => name.endsWith('.input.yaml'))
  .flatMap(name => parse(readFileSync(join(testdata, name), 'utf8')) as Case[]);

/** FUZZ_SEED and FUZZ_ROUNDS look further than the same few thousand every time. */
const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 6);

/** Numbers from 0 to 1, always the same for a seed (mulberry32). */
function numbersFrom(start: number): () => number {
  let state = start >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const next = numbersFrom(seed);
const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;

const replacements: readonly (() => unknown)[] = [
  () => null,
  () => ({}),
  () => [],
  () => [null],
  () => [{}],
  () => ({ '': null }),
  () => '',
  () => 'x',
  () => 'a/b/../c',
  () => '\u0000',
  () => '٣',
  () => 'x'.repeat(1000),
  () => '100000000000000000000Gi',
  () => '1e400',
  () => '-1',
  () => '2024-13-45T99:99:99Z',
  () => '::ffff:1.2.3.4/999',
  () => 0,
  () => -1,
  () => 1.5,
  () => 2 ** 31,
  () => 2 ** 53,
  () => -(2 ** 63),
  () => true,
];

interface Place {
  holder: Record<string, unknown>;
  key: string;
}

function placesIn(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return found;
  for (const key of Object.keys(value)) {
    const holder = value as Record<string, unknown>;
    found.push({ holder, key });
    placesIn(holder[key], found);
  }
  return found;
}

/** Changes one to three places of an object. */
function disturb(object: Record<string, unknown>): Record<string, unknown> {
  const changed = structuredClone(object);
  for (let count = 1 + Math.floor(next() * 3); count > 0; count--) {
    const places = placesIn(changed);
    if (places.length === 0) break;
    const { holder, key } = pick(places);
    if (next() < 0.15) delete holder[key];
    else holder[key] = pick(replacements)();
  }
  return changed;
}

function pathOf(kind: string): string {
  const parts = kind.split('/');
  const resource = parts.pop()!;
  const root = parts.length === 1 ? `/api/${parts[0]}` : `/apis/${parts.join('/')}`;
  return `${root}${resources[kind]?.namespaced ? '/namespaces/default' : ''}/${resource}`;
}

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
  // Pods are admitted only with one, and wait for it.
  await api.put('/api/v1/namespaces/default/serviceaccounts', { metadata: { name: 'default' } });
});
after(() => api[Symbol.asyncDispose]());

/** Asked of the handler: the wire has its own tests, and this is many. */
async function send(
  method: string,
  path: string,
  contentType: string,
  body: object,
): Promise<{ status: number; text: string }> {
  const [target = '', search = ''] = path.split('?');
  const bytes = body instanceof Uint8Array ? body : Buffer.from(JSON.stringify(body));
  const response = await api.controlPlane.handler({
    method,
    path: target,
    search,
    headers: { 'content-type': contentType },
    body: async () => bytes,
    stream: async function* () {
      yield bytes;
    },
    signal: new AbortController().signal,
    peer: { address: 'in-process', user: { name: 'fuzz', groups: ['system:masters'] } },
  });
  return {
    status: response.status,
    text: response.body instanceof Uint8Array ? Buffer.from(response.body).toString() : '',
  };
}

function check(answer: { status: number; text: string }, sent: object): void {
  if (answer.status < 500) return;
  // What upstream answers an apply patch with that does not fit its type: a bare 500, and nothing has gone wrong.
  if (/"message":"failed to create typed patch object [^"]*","code":500/.test(answer.text.replaceAll('\\"', '')))
    return;
  const errors = api.log.records
    .filter(({ level }) => level === 'error')
    .map(({ fields }) => String((fields.error as Error)?.stack));
  assert.fail(`${answer.status} ${answer.text}\nfor ${JSON.stringify(sent)}\n${errors.at(-1)}`);
}

const kinds = [...new Set(cases.map(({ kind }) => kind))];

for (const kind of kinds) {
  test(`${kind}: created, updated, patched`, async () => {
    const path = pathOf(kind);
    const own = cases.filter(item => item.kind === kind);
    for (let round = 0; round < rounds; round++) {
      for (const { object } of own) {
        const body = disturb({ ...object, metadata: { name: 'x', ...(object['metadata'] as object) } });
        check(
          await send(
            'POST',
            `${path}?dryRun=All&fieldValidation=${pick(['Strict', 'Warn', 'Ignore'])}`,
            'application/json',
            body,
          ),
          body,
        );
      }
    }
    for (const { object } of own) {
      const whole = { ...object, metadata: { name: 'x', ...(object['metadata'] as object) } } as {
        metadata: { name: string };
      };
      const made = await send('POST', path, 'application/json', whole);
      check(made, whole);
      if (made.status !== 201) continue;
      const { name } = JSON.parse(made.text).metadata as { name?: string };
      if (!name) continue;
      const one = `${path}/${encodeURIComponent(name)}`;
      for (let round = 0; round < rounds; round++) {
        for (const part of ['', '/status']) {
          const body = disturb(whole as unknown as Record<string, unknown>);
          check(await send('PUT', `${one}${part}?dryRun=All`, 'application/json', body), body);
          for (const type of ['merge-patch+json', 'strategic-merge-patch+json']) {
            check(await send('PATCH', `${one}${part}?dryRun=All`, `application/${type}`, body), body);
          }
          const config = { ...body, apiVersion: kind.split('/').slice(0, -1).join('/'), kind: resources[kind]?.kind };
          const apply = `${one}${part}?dryRun=All&fieldManager=fuzz&force=true`;
          check(await send('PATCH', apply, 'application/apply-patch+yaml', config), config);
        }
      }
      check(await send('DELETE', one, 'application/json', {}), {});
    }
  });
}

/** Bytes with a few of them changed, doubled, or cut off. */
function damage(bytes: Buffer): Buffer {
  const damaged = Buffer.from(bytes);
  for (let count = 1 + Math.floor(next() * 3); count > 0; count--) {
    damaged[4 + Math.floor(next() * (damaged.length - 4))] = Math.floor(next() * 256);
  }
  const cut = next() < 0.3 ? 4 + Math.floor(next() * damaged.length) : damaged.length;
  return next() < 0.1 ? Buffer.concat([damaged, damaged.subarray(4)]) : damaged.subarray(0, cut);
}

test('protobuf with bytes that are not what they were', async () => {
  const codec = createProtobufCodec();
  const seen = new Set<number>();
  for (const { kind, object } of cases) {
    const apiVersion = kind.split('/').slice(0, -1).join('/');
    const type = { apiVersion, kind: resources[kind]!.kind };
    let bytes: Buffer;
    try {
      bytes = codec.encode({ ...object, metadata: { name: 'x', ...(object['metadata'] as object) } }, type);
    } catch {
      // Some of the cases are so wrong that they have no protobuf form.
      continue;
    }
    for (let round = 0; round < rounds * 3; round++) {
      const body = damage(bytes);
      const answer = await send('POST', `${pathOf(kind)}?dryRun=All`, 'application/vnd.kubernetes.protobuf', body);
      seen.add(answer.status);
      check(answer, { protobuf: body.toString('hex') });
    }
  }
  assert.ok(
    [201, 400, 422].every(code => seen.has(code)),
    [...seen].join(),
  );
});
