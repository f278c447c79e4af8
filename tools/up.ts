/** `make up`: a cluster on this machine with the shop in it. Finds what is there already and is then quick. */
import { existsSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { isReady, kubectl, root, run, say, startServer, waitFor, wherry } from './server.ts';

const dataFolder = process.env['WHERRY_DATA_DIR'] ?? '/var/lib/wherry';
const imageFolder = join(dataFolder, 'agent', 'images');
const logPath = join(dataFolder, 'server.log');

async function main(): Promise<void> {
  if (process.getuid?.() !== 0) {
    throw new Error(
      'make up needs root to run pods; without root, "./wherry server --disable-agent --data-dir DIR" runs a control plane',
    );
  }
  buildImages();
  if (isReady()) {
    say('the server runs already');
  } else {
    say('starting the server');
    const pid = startServer(logPath);
    await waitFor('the API', isReady, { seconds: 60, pid, logPath });
    say('the API is ready');
  }
  await waitFor('the node', () => kubectl('get', 'nodes').includes(' Ready '), { seconds: 60, logPath });
  say('the node is ready');
  kubectl('apply', '-f', join(root, 'examples/shop/shop.yaml'));
  say('applied examples/shop/shop.yaml');
  for (const name of ['store', 'api', 'web']) {
    kubectl('-n', 'shop', 'rollout', 'status', `deployment/${name}`, '--timeout=120s');
    say(`${name} is ready`);
  }
  kubectl('-n', 'shop', 'wait', '--for=condition=complete', 'job/seed', '--timeout=120s');
  say('the shop is filled');
  await finish();
}

/** Images are made once, and again when their folder changes. */
function buildImages(): void {
  mkdirSync(imageFolder, { recursive: true });
  const folders = ['shop/images/web', 'shop/images/api', 'shop/images/store', 'busybox'];
  for (const folder of folders.map(name => join(root, 'examples', name))) {
    const output = join(imageFolder, `${folder.split('/').at(-1)}.tar`);
    const newest = Math.max(...readdirSync(folder).map(file => statSync(join(folder, file)).mtimeMs));
    if (existsSync(output) && statSync(output).mtimeMs > newest) continue;
    const built = run(wherry, ['image', 'build', folder, '--output', output]);
    say(`built ${built.split(' ')[0]}`);
  }
}

async function finish(): Promise<void> {
  const address = kubectl(
    'get',
    'nodes',
    '-o',
    'jsonpath={.items[0].status.addresses[?(@.type=="InternalIP")].address}',
  );
  const url = `http://${address}:30080/`;
  const answer = await fetch(`${url}api/articles`, { signal: AbortSignal.timeout(10_000) });
  if (!answer.ok) throw new Error(`${url}api/articles: ${answer.status}: ${await answer.text()}`);
  say(`the shop answers at ${url}`);
  process.stdout.write(`
  curl ${url}api/articles           what the shop has
  ./wherry kubectl get pods -A              what runs
  ./wherry kubectl -n shop logs deploy/api  what it says
  make down                                 stop it all (PURGE=1: and forget it)
`);
}

main().catch(error => {
  process.stderr.write(`make up: ${error instanceof Error ? error.message : error}\n`);
  process.exitCode = 1;
});
