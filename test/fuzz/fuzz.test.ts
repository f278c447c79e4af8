/** Bounded rounds of every target. FUZZ_SEED and FUZZ_ROUNDS look further; FUZZ_TARGET with FUZZ_INPUT tries one input again. `make fuzz` goes on for minutes. */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { type SecureApi, startSecureApi } from '../api/fixture.ts';
import { decoders } from './decoders.ts';
import { fuzz, type Target, tryInput } from './engine.ts';
import { serverTargets } from './server.ts';

const seed = Number(process.env['FUZZ_SEED'] ?? 1);
const rounds = Number(process.env['FUZZ_ROUNDS'] ?? 1);
const [onlyTarget, onlyInput] = [process.env['FUZZ_TARGET'], process.env['FUZZ_INPUT']];
const serverNames = [
  'bodies of built-in kinds',
  'definitions',
  'policies',
  'bodies in protobuf',
  'server-side apply',
  'paths',
  'tokens',
];
/** Inputs of one round, for a decoder and through a server. */
const [decoderInputs, serverInputs] = [1000, 250];
/** What may stay behind after all inputs of a target. */
const maxGrowthBytes = 64 * 1024 * 1024;

let api: SecureApi;
before(async () => {
  api = await startSecureApi();
});
after(() => api?.[Symbol.asyncDispose]());

/** After everything that nobody holds is gone. */
function heapBytes(): number {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
  return process.memoryUsage().heapUsed;
}

async function run(target: Target, inputs: number): Promise<void> {
  if (onlyInput !== undefined) return void (await tryInput(target, Buffer.from(onlyInput, 'base64')));
  const before = heapBytes();
  await fuzz(target, { seed, isOver: count => count >= inputs * rounds });
  const growth = heapBytes() - before;
  assert.ok(growth < maxGrowthBytes, `${growth} bytes stayed behind`);
}

const isWanted = (name: string) => onlyTarget === undefined || onlyTarget === name;

describe('decoders', () => {
  for (const target of decoders) {
    if (isWanted(target.name)) test(target.name, () => run(target, decoderInputs));
  }
});

describe('the server', () => {
  for (const name of serverNames) {
    if (!isWanted(name)) continue;
    test(name, async () => {
      const target = serverTargets(api).find(one => one.name === name);
      assert.ok(target, name);
      await run(target, serverInputs);
    });
  }
});
