/** Plain HTTPS requests to a server as its administrator, or with a token: what kubectl cannot send. */
import { readFileSync } from 'node:fs';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { parse } from 'yaml';
import type { Server } from './fixture.ts';

export interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

export interface Requester extends AsyncDisposable {
  get(path: string, headers?: Record<string, string>): Promise<Answer>;
  /** `ended` resolves when the server ends the body in order, and rejects when it is cut off. */
  stream(path: string): { head: Promise<{ status: number }>; ended: Promise<void> };
}

/** With `authorization` in the headers no client certificate is shown. */
export function createRequester(server: Server): Requester {
  const { clusters, users } = parse(readFileSync(server.kubeconfig, 'utf8'));
  const decode = (value: string) => Buffer.from(value, 'base64');
  const ca = decode(clusters[0].cluster['certificate-authority-data']);
  const cert = decode(users[0].user['client-certificate-data']);
  const key = decode(users[0].user['client-key-data']);
  const admin = new Agent({ keepAlive: true, maxSockets: 64, ca, cert, key });
  const plain = new Agent({ keepAlive: true, maxSockets: 64, ca });
  const open = (path: string, headers: Record<string, string>) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const agent = headers['authorization'] ? plain : admin;
      request(`${server.url}${path}`, { agent, headers }, resolve).on('error', reject).end();
    });
  return {
    async get(path, headers = {}) {
      const response = await open(path, headers);
      return { status: response.statusCode!, headers: response.headers, body: await text(response) };
    },
    stream(path) {
      const opened = open(path, {});
      return {
        head: opened.then(({ statusCode }) => ({ status: statusCode! })),
        ended: opened.then(async response => void (await text(response))),
      };
    },
    async [Symbol.asyncDispose]() {
      admin.destroy();
      plain.destroy();
    },
  };
}
