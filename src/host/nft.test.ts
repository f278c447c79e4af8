import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CommandError } from './exec.ts';
import { createFakeExec, fakeCommandError } from './exec-fake.ts';
import { createNft, isNftNotFound, NftError } from './nft.ts';

test('a transaction is one program with the whole text as input; empty text runs nothing', async () => {
  const exec = createFakeExec();
  const nft = createNft(exec, { timeoutMs: 5 });
  await nft.run('add table inet a\nadd table inet b\n');
  await nft.run(' \n');
  assert.deepEqual(exec.commands, [
    { program: 'nft', args: ['-f', '-'], input: 'add table inet a\nadd table inet b\n', timeoutMs: 5 },
  ]);
});

test('tables and lists leave out what nft says of itself', async () => {
  const table = { family: 'inet', name: 'a', handle: 1 };
  const exec = createFakeExec(() => JSON.stringify({ nftables: [{ metainfo: { version: '1' } }, { table }] }));
  const nft = createNft(exec);
  assert.deepEqual(await nft.tables(), [table]);
  assert.deepEqual(await nft.list('map', 'inet', 'a', 'services'), [{ table }]);
  assert.deepEqual(exec.lines(), ['nft -j list tables', 'nft -j list map inet a services']);
});

test('what is refused tells why, shortened; what is not there can be asked for', async () => {
  const said = 'Error: No such file or directory\nlist table inet a\n' + 'x'.repeat(5000);
  const nft = createNft(
    createFakeExec(line => {
      throw fakeCommandError(line, 1, said);
    }),
  );
  const error = await nft.list('table', 'inet', 'a').catch((error: unknown) => error);
  assert.ok(error instanceof NftError);
  assert.equal(error.code, 'refused');
  assert.equal(isNftNotFound(error), true);
  assert.ok(error.message.length < 700);
  assert.equal(isNftNotFound(new Error('No such file or directory')), false);
});

test('a machine without nft says which package to install', async () => {
  const nft = createNft(
    createFakeExec(() => {
      throw new CommandError('nft: program not found', { code: 'missing', exitCode: undefined, stderr: '' });
    }),
  );
  await assert.rejects(nft.tables(), {
    name: 'NftError',
    code: 'missing',
    message: 'nft is not installed: install the package nftables',
  });
});
