import type { KubeObject, Resource } from '#api';

/** How objects are written at start; a Client fits. */
export interface BootstrapWriter {
  /** Undefined (or a rejection with Status 404) when there is none. */
  get<T extends KubeObject>(
    resource: Resource<T>,
    ref: { namespace?: string | undefined; name: string },
  ): Promise<T | undefined>;
  create<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
  update<T extends KubeObject>(resource: Resource<T>, object: T): Promise<T>;
}

/** An object that should be there, and how one that is there should look; undefined from `merge`: it is right. */
export interface EnsuredObject<T extends KubeObject> {
  readonly resource: Resource<T>;
  readonly object: T;
  merge(present: T, wanted: T): T | undefined;
}

/** Two servers that start together meet a few times at most. */
const maxAttempts = 5;

/** Makes the object, or brings it up to date. When another server writes it at the same moment, its object is looked at once more. */
export async function ensureObject<T extends KubeObject>(
  writer: BootstrapWriter,
  wanted: EnsuredObject<T>,
): Promise<'created' | 'updated' | 'kept'> {
  for (let attempt = 1; ; attempt++) {
    const present = await find(writer, wanted);
    try {
      if (!present) {
        await writer.create(wanted.resource, structuredClone(wanted.object));
        return 'created';
      }
      const merged = wanted.merge(present, wanted.object);
      if (!merged) return 'kept';
      await writer.update(wanted.resource, merged);
      return 'updated';
    } catch (error) {
      // 422: another server has just made the same Service, and its address is taken.
      if (attempt === maxAttempts || ![409, 422].includes(codeOf(error) ?? 0)) throw error;
    }
  }
}

async function find<T extends KubeObject>(writer: BootstrapWriter, wanted: EnsuredObject<T>): Promise<T | undefined> {
  const { name, namespace } = wanted.object.metadata;
  try {
    return await writer.get(wanted.resource, { namespace, name });
  } catch (error) {
    if (codeOf(error) === 404) return undefined;
    throw error;
  }
}

/** The HTTP code of a refusal, whoever made it: the server itself or a client. */
function codeOf(error: unknown): number | undefined {
  const { status, code } = error as { status?: { code?: number }; code?: unknown };
  return status?.code ?? (typeof code === 'number' ? code : undefined);
}
