/** Upstream's conformance tests of the groups that concern the API, in our own code, on SQLite. */
import { after, before } from 'node:test';
import { missingForPods, type Server, startServer } from '../e2e/fixture.ts';
import { type Api, openApi } from './api.ts';
import { registers } from './registers.ts';
import { runSuites } from './suite.ts';

let server: Server;
let api: Api;
const hasPods = missingForPods() === undefined;
before(async () => {
  server = await startServer({ node: hasPods });
  api = openApi(server.kubeconfig);
});
after(async () => {
  api?.[Symbol.dispose]();
  await server?.[Symbol.asyncDispose]();
});

runSuites('conformance', registers, () => ({ server, api, hasPods }));
