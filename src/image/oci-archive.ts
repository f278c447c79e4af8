import { createHash, type Hash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type Pack, pack } from 'tar-stream';

/** `amd64`, `arm64`, `arm`: Go's names, as images carry them. */
export type Architecture = string;

/** What a container of the image runs, as in the OCI image configuration. */
export interface ImageConfig {
  entrypoint?: readonly string[] | undefined;
  command?: readonly string[] | undefined;
  env?: readonly string[] | undefined;
  workingDir?: string | undefined;
  user?: string | undefined;
  exposedPorts?: readonly string[] | undefined;
}

export interface ImageSource {
  /** `shop/web:1`; without a registry it becomes docker.io/..., as every Kubernetes reads it. */
  name: string;
  architecture: Architecture;
  config: ImageConfig;
  /** Writes the entries of the one layer into the tar; does not finalize it. */
  writeLayer(layer: Pack): Promise<void>;
}

interface Blob {
  path: string;
  digest: string;
  sizeBytes: number;
}

const mediaType = {
  index: 'application/vnd.oci.image.index.v1+json',
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  config: 'application/vnd.oci.image.config.v1+json',
  layer: 'application/vnd.oci.image.layer.v1.tar+gzip',
} as const;

/**
 * Writes an OCI image layout with one image as a tar file, as `ctr images import` and every registry tool read it. The file appears when it is
 * complete. The same source gives the same digests. Source: the OCI image layout and image specifications, 1.0.
 */
export async function writeOciArchive(
  path: string,
  source: ImageSource,
): Promise<{ digest: string; sizeBytes: number }> {
  const folder = await mkdtemp(`${path}.parts-`);
  try {
    const { layer, diffId } = await writeLayerBlob(join(folder, 'layer'), source);
    const config = await writeJsonBlob(join(folder, 'config'), imageConfig(source, diffId));
    const manifest = await writeJsonBlob(join(folder, 'manifest'), {
      schemaVersion: 2,
      mediaType: mediaType.manifest,
      config: describeBlob(config, mediaType.config),
      layers: [describeBlob(layer, mediaType.layer)],
    });
    const name = fullImageName(source.name);
    const index = {
      schemaVersion: 2,
      mediaType: mediaType.index,
      manifests: [
        {
          ...describeBlob(manifest, mediaType.manifest),
          platform: { architecture: source.architecture, os: 'linux' },
          annotations: {
            'io.containerd.image.name': name,
            'org.opencontainers.image.ref.name': name.slice(name.lastIndexOf(':') + 1),
          },
        },
      ],
    };
    await writeArchive(join(folder, 'archive'), index, [layer, config, manifest]);
    await rename(join(folder, 'archive'), path);
    return { digest: manifest.digest, sizeBytes: (await stat(path)).size };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** `shop/web` → `docker.io/shop/web:latest`: the reading of short names that containerd and Kubernetes share. */
export function fullImageName(name: string): string {
  const slash = name.indexOf('/');
  const first = slash < 0 ? '' : name.slice(0, slash);
  const isHost = first.includes('.') || first.includes(':') || first === 'localhost';
  const withHost = isHost ? name : `docker.io/${slash < 0 ? 'library/' : ''}${name}`;
  return withHost.slice(withHost.lastIndexOf('/')).includes(':') ? withHost : `${withHost}:latest`;
}

async function writeLayerBlob(path: string, source: ImageSource): Promise<{ layer: Blob; diffId: string }> {
  const layer = pack();
  const plain = createHash('sha256');
  const packed = createHash('sha256');
  const written = pipeline(layer, hashing(plain), createGzip({ level: 6 }), hashing(packed), createWriteStream(path));
  await Promise.all([written, source.writeLayer(layer).then(() => layer.finalize())]);
  const digest = `sha256:${packed.digest('hex')}`;
  return { layer: { path, digest, sizeBytes: (await stat(path)).size }, diffId: `sha256:${plain.digest('hex')}` };
}

function imageConfig(source: ImageSource, diffId: string): unknown {
  const { entrypoint, command, env, workingDir, user, exposedPorts } = source.config;
  return {
    architecture: source.architecture,
    os: 'linux',
    config: {
      Entrypoint: entrypoint,
      Cmd: command,
      Env: env ?? ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
      WorkingDir: workingDir,
      User: user,
      ExposedPorts: exposedPorts && Object.fromEntries(exposedPorts.map(port => [port, {}])),
    },
    rootfs: { type: 'layers', diff_ids: [diffId] },
  };
}

async function writeJsonBlob(path: string, value: unknown): Promise<Blob> {
  const text = JSON.stringify(value);
  await writeFile(path, text);
  const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
  return { path, digest, sizeBytes: Buffer.byteLength(text) };
}

function describeBlob(blob: Blob, type: string): { mediaType: string; digest: string; size: number } {
  return { mediaType: type, digest: blob.digest, size: blob.sizeBytes };
}

async function writeArchive(path: string, index: unknown, blobs: readonly Blob[]): Promise<void> {
  const archive = pack();
  const written = pipeline(archive, createWriteStream(path));
  archive.entry({ name: 'oci-layout' }, JSON.stringify({ imageLayoutVersion: '1.0.0' }));
  archive.entry({ name: 'index.json' }, JSON.stringify(index));
  for (const blob of blobs) {
    const entry = archive.entry({ name: `blobs/${blob.digest.replace(':', '/')}`, size: blob.sizeBytes });
    await addFile(entry, blob.path);
  }
  archive.finalize();
  await written;
}

/** Copies a file into a tar entry and waits until the tar has taken it. */
export async function addFile(entry: NodeJS.WritableStream, path: string): Promise<void> {
  for await (const chunk of createReadStream(path)) {
    if (!entry.write(chunk)) await once(entry, 'drain');
  }
  const finished = once(entry, 'finish');
  entry.end();
  await finished;
}

/** Passes bytes on and hashes them on the way. */
function hashing(hash: Hash): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(null, chunk);
    },
  });
}
