import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { createMeter, createSystemClock } from '#base';
import { createRecordingLog } from '#base/testing';
import { openAudit } from './audit.ts';
import { resolveConfig } from './config.ts';

const deps = () => ({ clock: createSystemClock(), log: createRecordingLog(), meter: createMeter() });

test('events go to the server that the kubeconfig names, what is left when it stops too', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-audit-'));
  const lists: { path: string; ids: string[] }[] = [];
  const server = createServer(async (request, response) => {
    const { items } = JSON.parse(await text(request));
    lists.push({ path: request.url!, ids: items.map(({ auditID }: { auditID: string }) => auditID) });
    response.end();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const kubeconfig = join(folder, 'webhook.yaml');
  const policy = join(folder, 'policy.yaml');
  writeFileSync(policy, 'apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{ level: Metadata }]\n');
  writeFileSync(
    kubeconfig,
    `apiVersion: v1
kind: Config
current-context: a
contexts: [{ name: a, context: { cluster: a } }]
clusters: [{ name: a, cluster: { server: 'http://127.0.0.1:${port}/audit/events' } }]
`,
  );
  try {
    const options = { 'audit-policy-file': policy, 'audit-webhook-config-file': kubeconfig };
    const settings = openAudit({ ...resolveConfig([]), ...options }, deps())!;
    for (const auditID of ['a', 'b']) settings.sinks[0]!.accept({ auditID } as never);
    await settings[Symbol.asyncDispose]();
    assert.deepEqual(lists, [{ path: '/audit/events', ids: ['a', 'b'] }]);
  } finally {
    server.close();
    rmSync(folder, { recursive: true });
  }
});

test('options that do not go together are named', () => {
  const open = (options: object) => openAudit({ ...resolveConfig([]), ...options }, deps());
  assert.equal(open({}), undefined);
  assert.throws(() => open({ 'audit-log-path': '/x' }), /audit-policy-file: is missing/);
  assert.throws(() => open({ 'audit-policy-file': '/none', 'audit-log-path': '/x' }), /\/none: cannot be read/);
});
