import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { createFakeIp, createFakeNft } from '#host/testing';
import { conflistName } from './config.ts';
import { formatNetworkConfig } from './network-config.ts';
import { removeOverlay } from './remove-overlay.ts';

test('removing takes the range route, the configuration and the notes, and leaves what others put beside them', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'wherry-overlay-'));
  await using _ = { [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
  const config = { cniConfDir: join(folder, 'net.d'), cniStateDir: join(folder, 'networks') };
  const podCidr = '10.42.3.0/24';
  await mkdir(join(config.cniStateDir, 'wherry'), { recursive: true });
  await mkdir(join(config.cniStateDir, 'other'));
  await mkdir(config.cniConfDir);
  await writeFile(join(config.cniConfDir, '99-other.conf'), '');
  const text = formatNetworkConfig({ podCidr, mtu: 1450, stateDir: config.cniStateDir });
  await writeFile(join(config.cniConfDir, conflistName), text);
  const route = { device: undefined, via: undefined, source: undefined, onlink: false };
  const ip = createFakeIp({ routes: [{ ...route, to: podCidr }] });

  await removeOverlay({ ip, nft: createFakeNft() }, config);
  assert.deepEqual(ip.lines, [`route delete unreachable ${podCidr}`]);
  assert.deepEqual(await readdir(config.cniConfDir), ['99-other.conf']);
  assert.deepEqual(await readdir(config.cniStateDir), ['other']);
});

test('removing where nothing is changes nothing', async () => {
  const [ip, nft] = [createFakeIp(), createFakeNft()];
  const nowhere = join(tmpdir(), 'wherry-overlay-that-never-was');
  await removeOverlay({ ip, nft }, { cniConfDir: nowhere, cniStateDir: nowhere });
  assert.deepEqual([ip.lines, nft.transactions], [[], []]);
});
