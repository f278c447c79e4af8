/** What the measurements of pods ask of the API: over TLS with a client certificate, as kubectl would, without the start of a program for each. */
import type { ClientHttp2Session } from 'node:http2';
import { type Call, openSession, send, type Target } from './load.ts';

/** As the API answers; only what is looked at is named. */
export interface PodSeen {
  metadata: { name: string; labels?: Record<string, string> };
  status: { phase: string; conditions?: { type: string; status: string }[] };
}

export interface ApiClient {
  // biome-ignore lint/suspicious/noExplicitAny: answers of any kind
  get(path: string): Promise<any>;
  write(call: Call): Promise<void>;
  /** Calls `onPod` for every pod of the default namespace that is added or changes, and for what is deleted, until it answers true. Resolves then. */
  watchPods(onPod: (type: string, pod: PodSeen) => boolean): Promise<{ opened: Promise<void>; done: Promise<void> }>;
}

export const podsPath = '/api/v1/namespaces/default/pods';

/** Opens one connection at the first call, and again when it was lost. */
export function openApi(target: Target): ApiClient {
  let session: ClientHttp2Session | undefined;
  const connected = async () => {
    if (!session || session.closed || session.destroyed) {
      session = await openSession(target);
      session.on('error', () => session?.destroy()); // the next call opens another
      session.unref();
    }
    return session;
  };
  const call = async (request: Call) => {
    const answer = await send(await connected(), { ...request, keep: true });
    if (answer.status >= 300) throw new Error(`${request.method} ${request.path}: ${answer.status} ${answer.text()}`);
    return answer.text();
  };
  return {
    get: async path => JSON.parse(await call({ method: 'GET', path })),
    write: async request => void (await call(request)),
    async watchPods(onPod) {
      const list = JSON.parse(await call({ method: 'GET', path: podsPath }));
      const path = `${podsPath}?watch=true&resourceVersion=${list.metadata.resourceVersion}`;
      const stream = (await connected()).request({ ':path': path, accept: 'application/json' });
      const opened = Promise.withResolvers<void>();
      const done = Promise.withResolvers<void>();
      stream.on('response', () => opened.resolve());
      stream.on('error', done.reject);
      stream.on('end', () => done.reject(new Error('the watch ended')));
      readLines(stream, line => {
        const { type, object } = JSON.parse(line);
        if (!onPod(type, object)) return;
        done.resolve();
        stream.close();
      });
      return { opened: opened.promise, done: done.promise };
    },
  };
}

function readLines(stream: NodeJS.ReadableStream, onLine: (line: string) => void): void {
  let rest = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line) onLine(line);
  });
}

export const isReady = ({ status }: PodSeen): boolean =>
  status.conditions?.some(one => one.type === 'Ready' && one.status === 'True') ?? false;

/** What runs in all measurements: one container that sleeps, ends at once, and has the usual token volume. */
export function podSpec(image: string) {
  return {
    terminationGracePeriodSeconds: 0,
    containers: [{ name: 'main', image, imagePullPolicy: 'IfNotPresent', command: ['sleep', '100000'] }],
  };
}
