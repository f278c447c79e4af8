import { join } from 'node:path';
import type { Running } from '#base';
import { readCapabilities } from '#host';
import { fullImageName, pauseImage, writeOciArchive } from '#image';
import { createCtrImport, startContainerd, watchImageFolder } from '#kubelet';
import { connectCri } from '#wire';
import type { Cluster } from './cluster.ts';
import { hostArchitecture } from './machine.ts';
import { runtimeConfig } from './runtime-config.ts';

/** containerd as a child, the built-in pause image in it, and the archives of the images folder. */
export async function startRuntime(cluster: Cluster): Promise<Running> {
  const { paths, clock } = cluster;
  const log = cluster.log.child('containerd');
  const architecture = hostArchitecture();
  const pause = pauseImage(architecture);
  const config = runtimeConfig(cluster.config, {
    pauseImage: fullImageName(pause.name),
    restrictOomScoreAdj: !(await readCapabilities()).has('CAP_SYS_RESOURCE'),
  });
  await using stack = new AsyncDisposableStack();
  const cri = connectCri({ socketPath: config.socketPath, now: clock.now });
  stack.defer(() => cri.close());
  const containerd = stack.use(await startContainerd(config, { clock, log, probe: () => cri.runtime.version() }));
  cluster.runtime = { cri, socketPath: config.socketPath, pauseImage: config.pauseImage };
  const importArchive = createCtrImport({ ctr: config.programs.ctr, socketPath: config.socketPath });
  if (!(await cri.images.status(config.pauseImage))) {
    const archive = join(paths.run, 'pause.tar');
    await writeOciArchive(archive, pause);
    await importArchive(archive);
  }
  const notesPath = join(config.rootDir, 'imported-archives.json');
  stack.use(await watchImageFolder({ folder: paths.images, notesPath, importArchive, clock, log }));
  const all = stack.move();
  return {
    ready: () => containerd.ready(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
