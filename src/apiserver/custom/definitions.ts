import type { CustomResourceDefinition, Kind, Scheme } from '#api';
import { resources } from '#api';
import type { Log } from '#base';
import type { ObjectReader } from '../reader.ts';
import type { Definition } from './definition.ts';
import { createDefinition, fingerprintOf, hasCondition, isTerminating, shownKinds } from './definition.ts';
import { joinSchemes } from './scheme.ts';

/** The definitions that are served now. */
export interface Definitions extends Disposable {
  /** Built-in and custom kinds; another one whenever the latter change. */
  scheme(): Scheme;
  /** Of a kind that a scheme of these definitions has or had; undefined for built-in ones. */
  of(kind: Kind): Definition | undefined;
  /** By the name of the definition's object. */
  named(name: string): Definition | undefined;
  /** True for a definition whose objects would be kept where built-in ones are: it serves nothing, and its deletion deletes nothing. */
  overlapsBuiltIn(crd: CustomResourceDefinition): boolean;
}

export interface DefinitionsDeps {
  readonly reader: ObjectReader;
  readonly builtIn: Scheme;
  readonly log: Log;
  /** A definition is gone, and with it all that there was. */
  onGone?(storagePrefix: string): void;
}

/** Follows the stored definitions; each is compiled once for each change of its spec or accepted names. */
export function createDefinitions({ reader, builtIn, log, onGone }: DefinitionsDeps): Definitions {
  const byName = new Map<string, Definition>();
  const byKind = new WeakMap<Kind, Definition>();
  let scheme: Scheme | undefined;
  const drop = (name: string) => {
    const known = byName.get(name);
    if (!known) return;
    byName.delete(name);
    scheme = undefined;
    known.ended.abort(new Error(`${name} is not served any more`));
  };
  const take = (crd: CustomResourceDefinition) => {
    const { name } = crd.metadata;
    const known = byName.get(name);
    if (known?.fingerprint === fingerprintOf(crd)) {
      if (known.isTerminating !== isTerminating(crd)) scheme = undefined;
      known.isTerminating = isTerminating(crd);
      return;
    }
    drop(name);
    const definition = compile(crd);
    if (!definition) return;
    byName.set(name, definition);
    for (const kind of definition.kinds.values()) byKind.set(kind, definition);
    scheme = undefined;
  };
  const compile = (crd: CustomResourceDefinition): Definition | undefined => {
    try {
      return createDefinition(crd);
    } catch (error) {
      // Validation lets no such definition in; one that was stored otherwise must not take the server down.
      log.warn('a custom resource definition cannot be served', { name: crd.metadata.name, error });
      return undefined;
    }
  };
  const taken = new Set(builtIn.kinds().map(kind => kind.storagePrefix));
  const overlapsBuiltIn = ({ spec }: CustomResourceDefinition) => taken.has(`${spec.group}/${spec.names.plural}`);
  const watching = reader.onChange(resources.customresourcedefinitions, (crd, isDeleted) => {
    if (!isDeleted && hasCondition(crd, 'Established') && !overlapsBuiltIn(crd)) {
      take(crd);
      return;
    }
    drop(crd.metadata.name);
    if (isDeleted && !overlapsBuiltIn(crd)) onGone?.(`${crd.spec.group}/${crd.spec.names.plural}`);
  });
  return {
    scheme() {
      if (scheme) return scheme;
      const shown = [...byName.values()].map(definition => {
        const kinds = shownKinds(definition);
        for (const kind of kinds) byKind.set(kind, definition);
        return { definition, kinds };
      });
      scheme = joinSchemes(builtIn, shown);
      return scheme;
    },
    of: kind => byKind.get(kind),
    named: name => byName.get(name),
    overlapsBuiltIn,
    [Symbol.dispose]: () => watching[Symbol.dispose](),
  };
}
