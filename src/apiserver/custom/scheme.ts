import type { CustomKind, Kind, Scheme } from '#api';
import type { Definition } from './definition.ts';

/** Built-in kinds with custom ones beside them; a built-in one cannot be hidden. */
export function joinSchemes(
  builtIn: Scheme,
  shown: readonly { definition: Definition; kinds: readonly Kind[] }[],
): Scheme {
  const byResource = new Map<string, CustomKind>();
  const byKind = new Map<string, CustomKind>();
  for (const { definition } of shown) {
    for (const kind of definition.served) {
      byResource.set(`${kind.group}/${kind.version}/${kind.resource}`, kind);
      byKind.set(`${kind.group}/${kind.version}/${kind.kind}`, kind);
    }
  }
  const all = [
    ...builtIn.kinds(),
    ...shown.flatMap(({ kinds }) => kinds).filter(kind => !builtIn.byResource(kind.group, kind.version, kind.resource)),
  ];
  const scheme: Scheme = {
    kinds: () => all,
    byResource: (group, version, resource) =>
      builtIn.byResource(group, version, resource) ?? byResource.get(`${group}/${version}/${resource}`),
    byKind: (group, version, kind) => builtIn.byKind(group, version, kind) ?? byKind.get(`${group}/${version}/${kind}`),
    // Custom kinds first: every kind name of apimachinery is known under any group.
    typeOf: (group, version, kind) =>
      byKind.get(`${group}/${version}/${kind}`)?.type ?? builtIn.typeOf(group, version, kind),
  };
  return scheme;
}
