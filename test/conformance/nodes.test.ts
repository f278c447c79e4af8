/** What upstream demands of a cluster of two nodes. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { after, before } from 'node:test';
import { wherry } from '../../tools/server.ts';
import { missingForPods, type Server, startServer } from '../e2e/fixture.ts';
import { makeAgent, makeBridge, serverAddress } from '../node/agents.ts';
import { type Api, type Json, openApi } from './api.ts';
import { eventually, runSuites, type Suite } from './suite.ts';

const missing = missingForPods();
const stack = new AsyncDisposableStack();
let server: Server;
let api: Api;
before(async () => {
  if (missing) return;
  stack.use(makeBridge());
  const addresses = ['--node-ip', serverAddress, '--advertise-address', serverAddress];
  server = stack.use(await startServer({ node: true, args: addresses }));
  api = stack.use(openApi(server.kubeconfig));
  const shown = spawnSync(wherry, ['token', 'show', '--data-dir', server.dataFolder], { encoding: 'utf8' });
  assert.equal(shown.status, 0, shown.stderr);
  const agent = stack.use(makeAgent(1));
  agent.start({ server: server.url.replace('127.0.0.1', serverAddress), token: shown.stdout.trim() });
});
after(() => stack.disposeAsync());

function register({ conformance }: Suite): void {
  conformance('[sig-architecture] Conformance Tests should have at least two untainted nodes', async world => {
    const isFree = ({ spec, status }: Json) =>
      !spec.unschedulable &&
      !spec.taints?.some((taint: Json) => taint.effect !== 'PreferNoSchedule') &&
      status.conditions?.some((one: Json) => one.type === 'Ready' && one.status === 'True');
    await eventually(
      'two nodes take pods',
      async () => (await world.api.get('/api/v1/nodes')).items.filter(isFree).length >= 2,
    );
  });
}

runSuites('conformance of nodes', [register], () => ({ server, api, hasPods: true }), missing);
