/** The same conformance tests with the server's objects in etcd. */
import { after, before } from 'node:test';
import { type EtcdProcesses, missingEtcd, startEtcd } from '#store/testing';
import { missingForPods, type Server, startServer } from '../e2e/fixture.ts';
import { type Api, openApi } from './api.ts';
import { registers } from './registers.ts';
import { runSuites } from './suite.ts';

const missing = missingEtcd();
const hasPods = missingForPods() === undefined;
let etcd: EtcdProcesses;
let server: Server;
let api: Api;
before(async () => {
  if (missing) return;
  etcd = await startEtcd();
  const endpoints = etcd.endpoints.map(endpoint => `http://${endpoint}`).join(',');
  server = await startServer({ node: hasPods, args: ['--datastore-endpoint', endpoints] });
  api = openApi(server.kubeconfig);
});
after(async () => {
  api?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
  await etcd?.[Symbol.asyncDispose]();
});

runSuites('conformance on etcd', registers, () => ({ server, api, hasPods }), missing);
