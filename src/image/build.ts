import { cp, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, posix } from 'node:path';
import type { Pack } from 'tar-stream';
import { parse } from 'yaml';
import { linkedLibraries } from './libraries.ts';
import { type Architecture, addFile, writeOciArchive } from './oci-archive.ts';
import { unpackPackages } from './packages.ts';
import { type ImageSpec, ImageSpecError, parseImageSpec } from './spec.ts';

export interface BuildOptions {
  /** Folder with an `image.yaml`. */
  folder: string;
  /** The archive to write. */
  output: string;
  /** Where downloaded packages are kept. */
  cacheFolder: string;
  architecture: Architecture;
  onProgress(text: string): void;
}

/** Builds the image that `image.yaml` describes and writes it as an OCI archive. Throws ImageSpecError for a bad specification. */
export async function buildImage(options: BuildOptions): Promise<{ name: string; digest: string; sizeBytes: number }> {
  const spec = parseImageSpec(parse(await readSpec(options.folder)));
  const root = await mkdtemp(join(tmpdir(), 'wherry-image-'));
  try {
    await fillRoot({ ...options, spec, root });
    await mkdir(dirname(options.output), { recursive: true });
    options.onProgress(`writing ${options.output}`);
    const built = await writeOciArchive(options.output, {
      name: spec.name,
      architecture: options.architecture,
      config: spec,
      writeLayer: layer => addTree(layer, root, spec),
    });
    return { name: spec.name, ...built };
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}

async function readSpec(folder: string): Promise<string> {
  try {
    return await readFile(join(folder, 'image.yaml'), 'utf8');
  } catch (cause) {
    throw new ImageSpecError(`${join(folder, 'image.yaml')}: cannot be read`, { cause });
  }
}

async function fillRoot(options: BuildOptions & { spec: ImageSpec; root: string }): Promise<void> {
  const { spec, root } = options;
  await unpackPackages({ ...options, packages: spec.packages, without: spec.without, rootFolder: root });
  if (spec.keep.length) await keepOnly(root, spec.keep);
  for (const [path, source] of Object.entries(spec.files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await cp(join(options.folder, source), join(root, path), { recursive: true });
  }
  for (const [path, target] of Object.entries(spec.links)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await rm(join(root, path), { force: true });
    await symlink(target, join(root, path));
  }
  for (const path of Object.keys(spec.folders)) await mkdir(join(root, path), { recursive: true });
}

/** Removes all but the paths named, the shared libraries that they need, and the links of a merged /usr. */
async function keepOnly(root: string, keep: readonly string[]): Promise<void> {
  for (const path of keep) {
    const found = await lstat(join(root, path)).catch(() => undefined);
    if (!found) throw new ImageSpecError(`keep: ${path} is in none of the packages`);
  }
  await prune(root, '/', new Set([...keep, ...(await linkedLibraries(root, keep)), '/bin', '/sbin', '/lib', '/lib64']));
}

/** True when the folder is empty afterwards. */
async function prune(root: string, folder: string, keep: ReadonlySet<string>): Promise<boolean> {
  let empty = true;
  for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
    const path = posix.join(folder, entry.name);
    if (keep.has(path) || (entry.isDirectory() && !(await prune(root, path, keep)))) empty = false;
    else await rm(join(root, path), { recursive: true });
  }
  return empty;
}

/** All of the tree, sorted, owned by root, with a fixed time: the same tree gives the same digest. */
async function addTree(layer: Pack, root: string, spec: ImageSpec, folder = '/'): Promise<void> {
  for (const name of (await readdir(join(root, folder))).sort()) {
    const path = posix.join(folder, name);
    const status = await lstat(join(root, path));
    const header = { name: path.slice(1), mtime: new Date(0), uid: 0, gid: 0 };
    if (status.isSymbolicLink()) {
      layer.entry({ ...header, type: 'symlink', linkname: await readlink(join(root, path)) });
    } else if (status.isDirectory()) {
      const mode = spec.folders[path] ? Number.parseInt(spec.folders[path], 8) : status.mode & 0o7777;
      layer.entry({ ...header, type: 'directory', mode });
      await addTree(layer, root, spec, path);
    } else if (status.isFile()) {
      const { size, mode } = await stat(join(root, path));
      await addFile(layer.entry({ ...header, mode: mode & 0o7777, size }), join(root, path));
    }
  }
}
