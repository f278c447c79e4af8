import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface UnpackOptions {
  packages: readonly string[];
  without: readonly string[];
  /** Downloaded .deb files are kept here and used again. */
  cacheFolder: string;
  /** The root file system that is filled. */
  rootFolder: string;
  onProgress(text: string): void;
}

/**
 * Downloads Debian packages with all that they depend on (as if nothing were installed) and unpacks them, merged-usr style. Nothing is installed on
 * this machine and no maintainer script runs. Rejects with apt's own words.
 */
export async function unpackPackages(options: UnpackOptions): Promise<void> {
  if (options.packages.length === 0) return;
  const archives = join(options.cacheFolder, 'archives');
  await mkdir(join(archives, 'partial'), { recursive: true });
  await writeFile(join(options.cacheFolder, 'status'), '');
  // Asked with an empty cache: apt leaves out of the list what it has already.
  await mkdir(join(options.cacheFolder, 'empty', 'partial'), { recursive: true });
  const uris = await apt(options, 'empty', ['--print-uris']);
  const wanted = [...uris.matchAll(/^'[^']+' (\S+\.deb) \d+/gm)].map(match => match[1]!);
  const present = new Set(await readdir(archives));
  if (wanted.some(file => !present.has(file))) {
    options.onProgress(`downloading ${wanted.length} packages for ${options.packages.join(', ')}`);
    await apt(options, 'archives', ['--download-only']);
  }
  await mergeUsr(options.rootFolder);
  const left = wanted.filter(file => !options.without.includes(file.slice(0, file.indexOf('_'))));
  for (const [index, file] of left.entries()) {
    options.onProgress(`unpacking ${index + 1}/${left.length} ${file}`);
    // tar keeps the links of a merged /usr where dpkg-deb --extract would replace them by folders.
    await run('sh', [
      '-c',
      'dpkg-deb --fsys-tarfile "$1" | tar -x --keep-directory-symlink -C "$2"',
      'sh',
      join(archives, file),
      options.rootFolder,
    ]);
  }
}

async function apt(options: UnpackOptions, archives: string, mode: readonly string[]): Promise<string> {
  const settings = [
    `Dir::State::status=${join(options.cacheFolder, 'status')}`,
    `Dir::Cache::archives=${join(options.cacheFolder, archives)}`,
    'Debug::NoLocking=1',
    'APT::Sandbox::User=root',
    'APT::Install-Recommends=false',
  ].flatMap(setting => ['-o', setting]);
  const environment = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C' };
  const { stdout } = await run('apt-get', [...settings, '--yes', ...mode, 'install', ...options.packages], {
    env: environment,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

async function mergeUsr(root: string): Promise<void> {
  for (const name of ['bin', 'sbin', 'lib', 'lib64']) {
    await mkdir(join(root, 'usr', name), { recursive: true });
    await symlink(`usr/${name}`, join(root, name)).catch(error => {
      if (error.code !== 'EEXIST') throw error; // a second package of the same image
    });
  }
}
