import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatKubeconfig, loadInCluster, loadKubeconfig } from './index.ts';

const access = { server: 'https://10.0.0.1:6443', ca: 'CA\n', cert: 'CERT\n', key: 'KEY\n', namespace: 'dev' };

test('what is written is read back', () => {
  const read = loadKubeconfig(formatKubeconfig({ name: 'w', ...access }));
  for (const [field, value] of Object.entries(access)) assert.equal(read[field as 'ca'], value);
});

test('another context can be named, and files are found beside the kubeconfig', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'kubeconfig-'));
  try {
    await writeFile(join(directory, 'ca.pem'), 'AUTHORITY');
    const text = `
clusters: [{ name: c, cluster: { server: 'https://c', certificate-authority: ca.pem } }]
users: [{ name: u, user: { token: secret } }]
contexts: [{ name: other, context: { cluster: c, user: u } }]
`;
    const read = loadKubeconfig(text, { context: 'other', directory });
    assert.deepEqual([read.ca, read.token, read.server], ['AUTHORITY', 'secret', 'https://c']);
  } finally {
    await rm(directory, { recursive: true });
  }
});

for (const [text, message] of [
  ['', /it is empty/],
  ['{]', /not YAML/],
  ['kind: Config', /no current-context/],
  ['current-context: x', /no context "x" among contexts/],
  ['{current-context: x, contexts: [{name: x, context: {cluster: y}}]}', /no cluster "y" among clusters/],
  [
    '{current-context: x, contexts: [{name: x, context: {cluster: y}}], clusters: [{name: y}]}',
    /cluster y has no server/,
  ],
] as const) {
  test(`the kubeconfig ${JSON.stringify(text)} is refused in a sentence`, () => {
    assert.throws(() => loadKubeconfig(text), { code: 'configuration', message });
  });
}

test('in a pod the environment and the mount say how to reach the API', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'mount-'));
  try {
    for (const [name, text] of Object.entries({ 'ca.crt': 'CA', token: 'T', namespace: 'dev\n' })) {
      await writeFile(join(directory, name), text);
    }
    const env = { KUBERNETES_SERVICE_HOST: 'fd00::1', KUBERNETES_SERVICE_PORT: '443' };
    const tokenFile = join(directory, 'token');
    assert.deepEqual(loadInCluster(env, directory), {
      server: 'https://[fd00::1]:443',
      ca: 'CA',
      tokenFile,
      namespace: 'dev',
    });
    assert.throws(() => loadInCluster({}), { code: 'configuration' });
  } finally {
    await rm(directory, { recursive: true });
  }
});
