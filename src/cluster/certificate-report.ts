import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom, createSystemClock } from '#base';
import { authorityNames, openCertificateFolder } from './certificates.ts';
import type { Config } from './config-table.ts';
import { nodeAddressOf, nodeNameOf } from './machine.ts';
import { pathsOf } from './paths.ts';
import { serverCertificates } from './server-certificates.ts';
import { StartError } from './start-error.ts';

/** How long the server's certificates last, authorities first. Throws StartError where no server has run. */
export function certificateReport(config: Config): { name: string; notAfter: Date; daysLeft: number }[] {
  const folder = openExisting(config);
  return folder.expiries([...authorityNames, ...leafNames(config)]);
}

/** Removes the leaves, so that the next start makes new ones; authorities stay. Gives the names. */
export function rotateCertificates(config: Config): string[] {
  const { path } = openExisting(config);
  const names = leafNames(config).filter(name => existsSync(join(path, `${name}.crt`)));
  for (const name of names) rmSync(join(path, `${name}.crt`));
  return names;
}

function openExisting(config: Config) {
  const path = pathsOf(config).certificates;
  if (!existsSync(path))
    throw new StartError(`${path}: no certificates; they are made when a server starts with this data-dir`);
  return openCertificateFolder(path, { clock: createSystemClock(), random: createRandom() });
}

function leafNames(config: Config): string[] {
  return serverCertificates(config, { node: nodeNameOf(config), address: nodeAddressOf(config) }).map(
    spec => spec.name,
  );
}
