import { type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry image build|import|list`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals, own } = await readOptions(invocation, { output: 'string', cache: 'string' });
  const [action, ...rest] = positionals;
  if (action === 'build') return build({ invocation, folders: rest, output: own['output'], cache: own['cache'] });
  const { importImages, listImages } = await import('#cluster');
  if (action === 'import') {
    if (rest.length === 0) throw new UsageError('image import: name one or more archives');
    for (const path of rest) {
      invocation.stdout(`${path}: ${(await importImages(config, path)).join(', ')}\n`);
    }
    return 0;
  }
  if (action === 'list') {
    for (const name of await listImages(config)) invocation.stdout(`${name}\n`);
    return 0;
  }
  throw new UsageError('say what to do: build, import or list');
}

async function build(options: {
  invocation: Invocation;
  folders: readonly string[];
  output: string | boolean | undefined;
  cache: string | boolean | undefined;
}): Promise<number> {
  const [folder, ...more] = options.folders;
  if (!folder || more.length) throw new UsageError('image build: name one folder that holds an image.yaml');
  if (typeof options.output !== 'string') throw new UsageError('image build: say where to write with --output FILE');
  const { buildImage } = await import('#image');
  const { hostArchitecture } = await import('#cluster');
  const built = await buildImage({
    folder,
    output: options.output,
    cacheFolder: typeof options.cache === 'string' ? options.cache : '/var/cache/wherry/packages',
    architecture: hostArchitecture(),
    onProgress: text => options.invocation.stderr(`${text}\n`),
  });
  options.invocation.stdout(`${built.name} ${built.digest} ${built.sizeBytes} bytes\n`);
  return 0;
}
