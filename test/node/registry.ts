/** Debian's docker-registry on loopback, and pushing to it as any client does. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../tools/server.ts';

const program = '/usr/bin/docker-registry';

export const missingRegistry = existsSync(program) ? undefined : 'needs docker-registry';

export interface Registry extends AsyncDisposable {
  /** `127.0.0.1:PORT`, as it stands before an image's name. */
  readonly host: string;
}

export const account = { name: 'porter', password: 'hush' };
/** bcrypt of the password. */
const passwords = `${account.name}:$2b$12$FXB9LlcTHSdKOEDSNTIuROsfBZLKb0QuQTKXVHIJOL1FCwb16U5fu\n`;

/** An empty registry; with `locked` only the account may pull and push. */
export async function startRegistry({ locked = false } = {}): Promise<Registry> {
  const folder = mkdtempSync(join(tmpdir(), 'wherry-registry-'));
  const host = `127.0.0.1:${await freePort()}`;
  const config = {
    version: 0.1,
    log: { level: 'error', accesslog: { disabled: true } },
    storage: { filesystem: { rootdirectory: join(folder, 'data') } },
    http: { addr: host },
    ...(locked && { auth: { htpasswd: { realm: 'porters', path: join(folder, 'passwords') } } }),
  };
  writeFileSync(join(folder, 'passwords'), passwords);
  writeFileSync(join(folder, 'config.yml'), JSON.stringify(config));
  const child = spawn(program, ['serve', join(folder, 'config.yml')], { stdio: 'ignore' });
  const exited = once(child, 'exit');
  const registry: Registry = {
    host,
    async [Symbol.asyncDispose]() {
      child.kill();
      await exited;
      rmSync(folder, { recursive: true, force: true });
    },
  };
  for (const untilMs = performance.now() + 10_000; ; ) {
    const answer = await fetch(`http://${host}/v2/`).catch(() => undefined);
    if (answer) return registry;
    if (child.exitCode === null && performance.now() < untilMs) await new Promise(resolve => setTimeout(resolve, 50));
    else {
      await registry[Symbol.asyncDispose]();
      throw new Error(`the registry does not answer at ${host}`);
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

interface Descriptor {
  digest: string;
  mediaType: string;
}

/** Pushes the one image of an OCI archive as `name:tag`; gives the digest of its manifest. */
export async function push(archive: string, { host }: Registry, name: string): Promise<string> {
  const [repository, tag] = name.split(':') as [string, string];
  const base = `http://${host}/v2/${repository}`;
  const authorization = `Basic ${Buffer.from(`${account.name}:${account.password}`).toString('base64')}`;
  const send = async (method: string, url: string, body?: Buffer, type = 'application/octet-stream') => {
    const answer = await fetch(url, {
      method,
      headers: { authorization, 'content-type': type },
      ...(body && { body: new Uint8Array(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${await answer.text()}`);
    return answer;
  };
  const folder = mkdtempSync(join(tmpdir(), 'wherry-push-'));
  try {
    run('tar', ['-xf', archive, '-C', folder]);
    const read = (path: string) => readFileSync(join(folder, path));
    const blob = (digest: string) => read(join('blobs', ...digest.split(':')));
    const [top] = (JSON.parse(read('index.json').toString()) as { manifests: Descriptor[] }).manifests;
    const manifest = JSON.parse(blob(top!.digest).toString()) as { config: Descriptor; layers: Descriptor[] };
    for (const { digest } of [manifest.config, ...manifest.layers]) {
      const begun = await send('POST', `${base}/blobs/uploads/`);
      const to = new URL(begun.headers.get('location')!, base);
      to.searchParams.set('digest', digest);
      await send('PUT', to.href, blob(digest));
    }
    const bytes = blob(top!.digest);
    await send('PUT', `${base}/manifests/${tag}`, bytes, top!.mediaType);
    return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
