import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createFakeExec, fakeCommandError } from '#host/testing';
import { emptyRuleset } from './diff.ts';
import type { UdpFrontend } from './rules.ts';
import { emptyFragment, mergeRules } from './rules.ts';
import { changedFrontends, parseFlows, planStaleFlows, removeStaleFlows } from './stale-flows.ts';

const printed = [
  'udp      17 29 src=10.42.0.4 dst=10.43.0.9 sport=40000 dport=53 src=10.42.0.2 dst=10.42.0.4 sport=5353 dport=40000 [ASSURED] mark=0 use=1',
  'udp      17 3 src=10.42.0.4 dst=10.43.0.9 sport=40001 dport=53 [UNREPLIED] src=10.43.0.9 dst=10.42.0.4 sport=53 dport=40001 mark=0 use=1',
  'udp      17 3 src=192.0.2.1 dst=192.0.2.2 sport=1 dport=30053 src=10.42.0.7 dst=192.0.2.1 sport=5353 dport=1 mark=0 use=1',
  'conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.',
].join('\n');
const flows = [
  { destination: '10.43.0.9', port: 53, answering: '10.42.0.2' },
  { destination: '10.43.0.9', port: 53, answering: '10.43.0.9' },
  { destination: '192.0.2.2', port: 30053, answering: '10.42.0.7' },
];
const frontend = (address: string | undefined, port: number, ...answering: string[]): UdpFrontend => ({
  address,
  port,
  answering,
});

test('flows are read from what conntrack prints', () => {
  assert.deepEqual(parseFlows(printed), flows);
});

test('stale is what goes to nobody who answers, each kind once; flows of others are not looked at', () => {
  const stale = (...frontends: UdpFrontend[]) => planStaleFlows([...flows, ...flows], frontends);
  assert.deepEqual(stale(frontend('10.43.0.9', 53, '10.42.0.2')), [flows[1]]);
  assert.deepEqual(stale(frontend('10.43.0.9', 53, '10.42.0.3')), [flows[0], flows[1]]);
  assert.deepEqual(stale(frontend(undefined, 30053, '10.42.0.3')), [flows[2]]);
  assert.deepEqual(stale(frontend(undefined, 30053, '10.42.0.7'), frontend('10.43.0.1', 53, '10.42.0.3')), []);
});

test('only frontends whose endpoints changed are looked at, and none without endpoints', () => {
  const rules = (...udp: UdpFrontend[]) => mergeRules([{ ...emptyFragment(), udp }]);
  const [same, changed, empty] = [frontend('1', 1, 'x'), frontend('2', 2, 'y'), frontend('3', 3)];
  assert.deepEqual(changedFrontends(rules(same, frontend('2', 2, 'x')), rules(same, changed, empty)), [changed]);
  assert.deepEqual(changedFrontends(emptyRuleset, rules(same, empty)), [same]);
});

test('without UDP nothing is run, and a flow that ended by itself is no failure', async () => {
  const exec = createFakeExec(line => {
    if (line.includes('-L')) return printed;
    throw fakeCommandError(line, 1, 'conntrack v1.4.7 (conntrack-tools): 0 flow entries have been deleted.');
  });
  assert.equal(await removeStaleFlows(exec, []), 0);
  assert.deepEqual(exec.lines(), []);
  assert.equal(await removeStaleFlows(exec, [frontend('10.43.0.9', 53, '10.42.0.3')]), 2);
});
