import { isObject } from '../patch/merge.ts';
import type { TypeNode } from '../scheme.ts';
import { ApplyError } from './apply.ts';
import { mergeApplied } from './merge.ts';
import { createShapes, resolve, type Shape } from './shapes.ts';
import { formatProblems, typeProblems } from './typed.ts';

/**
 * Lays a configuration over an object without owners: what a mutating policy does. Gives what results and changes neither. Throws ApplyError with upstream's text
 * for a configuration that does not fit the type, or that sets a part of something that can only be set as a whole. Source: policy/mutating/patch/smd.go.
 */
export type Overlay = (live: object, configuration: object, type: TypeNode) => unknown;

export function createOverlay(): Overlay {
  const shapeOf = createShapes();
  return (live, configuration, type) => {
    const shape = shapeOf(type);
    const problems = typeProblems(configuration, shape);
    if (problems.length > 0)
      throw new ApplyError(`failed to convert patch object to typed object: ${formatProblems(problems)}`);
    const atomics = atomicsOf(configuration, shape, '');
    if (atomics.length > 0) {
      const what = 'invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs';
      throw new ApplyError(`${what}: ${atomics.join(', ')}`);
    }
    return mergeApplied(live, configuration, shape);
  };
}

/** Paths of all that is owned as one piece; below the keys of a map nothing is looked at, as upstream. */
function atomicsOf(value: unknown, shape: Shape, path: string): string[] {
  const known = resolve(shape, value);
  if (known.kind === 'list' && Array.isArray(value)) {
    const inside = value.flatMap((item, index) => atomicsOf(item, known.item(), `${path}[${index}]`));
    return known.by === 'index' ? [path, ...inside] : inside;
  }
  if (known.kind !== 'map' || !isObject(value)) return [];
  const inside = Object.entries(value).flatMap(([name, part]) => {
    const partShape = known.isField(name) ? known.partOf(name) : undefined;
    return partShape ? atomicsOf(part, partShape, `${path}.${name}`) : [];
  });
  return known.isAtomic ? [path, ...inside] : inside;
}
