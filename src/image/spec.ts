import { posix } from 'node:path';
import type { ImageConfig } from './oci-archive.ts';

/** What `image.yaml` says: a small image made of Debian packages and own files. */
export interface ImageSpec extends ImageConfig {
  name: string;
  /** Debian packages, unpacked with what they depend on, not installed: no maintainer script runs. */
  packages: readonly string[];
  /** Packages of the closure that are left out. */
  without: readonly string[];
  /** Only these paths (and the libraries they link to) are kept of the packages; empty: everything. */
  keep: readonly string[];
  /** Path in the image to file or folder beside the spec. */
  files: Readonly<Record<string, string>>;
  /** Empty folders to make, with mode, as `/data: "0777"`. */
  folders: Readonly<Record<string, string>>;
  /** Symbolic links: path to target. */
  links: Readonly<Record<string, string>>;
}

/** An image specification that cannot be used; the message names the field. */
export class ImageSpecError extends Error {
  override readonly name = 'ImageSpecError';
}

type Shape = 'string' | 'strings' | 'map';
const shapes: Record<string, Shape> = {
  name: 'string',
  packages: 'strings',
  without: 'strings',
  keep: 'strings',
  files: 'map',
  folders: 'map',
  links: 'map',
  entrypoint: 'strings',
  command: 'strings',
  env: 'strings',
  workingDir: 'string',
  user: 'string',
  exposedPorts: 'strings',
};

/** Checks what was read from `image.yaml`. Throws ImageSpecError. */
export function parseImageSpec(value: unknown): ImageSpec {
  if (!isMap(value)) throw new ImageSpecError('the specification must be a map with at least a name');
  for (const [field, content] of Object.entries(value)) {
    const shape = shapes[field];
    if (!shape) throw new ImageSpecError(`${field}: no such field; there are ${Object.keys(shapes).join(', ')}`);
    if (!hasShape(content, shape)) throw new ImageSpecError(`${field}: must be ${describeShape(shape)}`);
  }
  const spec = {
    packages: [],
    without: [],
    keep: [],
    files: {},
    folders: {},
    links: {},
    ...value,
  } as unknown as ImageSpec;
  if (!spec.name || !/^[a-z0-9][a-z0-9._/:-]*$/.test(spec.name)) {
    throw new ImageSpecError(`name: ${JSON.stringify(spec.name)} is not an image name like shop/web:1`);
  }
  for (const path of [...Object.keys(spec.files), ...Object.keys(spec.folders), ...Object.keys(spec.links)]) {
    if (!path.startsWith('/') || posix.normalize(path) !== path) {
      throw new ImageSpecError(`${path}: must be an absolute path without .. in it`);
    }
  }
  return spec;
}

function hasShape(value: unknown, shape: Shape): boolean {
  if (shape === 'string') return typeof value === 'string';
  if (shape === 'strings') return Array.isArray(value) && value.every(item => typeof item === 'string');
  return isMap(value) && Object.values(value).every(item => typeof item === 'string');
}

function describeShape(shape: Shape): string {
  return { string: 'a text', strings: 'a list of texts', map: 'a map of texts' }[shape];
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
