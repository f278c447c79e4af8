import type { CustomResourceDefinition, ManagedFieldsEntry, TypeNode, UnknownObject } from '#api';
import { ApplyError, behaviours, createCustomKinds, createFieldManager, createScheme } from '#api';
import type { Applied, Jobs, KindName } from './jobs.ts';

/** Types that stay made. */
const maxKept = 8;

/** The jobs about managed fields. */
export function createFieldJobs(): {
  fields(input: Jobs['fields']['input']): Jobs['fields']['output'];
  apply(input: Jobs['apply']['input']): Applied;
} {
  const manager = createFieldManager();
  const typeOf = createTypes();
  return {
    fields({ kind, before, after, options }) {
      const object = JSON.parse(after) as UnknownObject;
      manager.update(before ? (JSON.parse(before) as object) : undefined, object, { ...options, type: typeOf(kind) });
      return { managedFields: fieldsText(object) };
    },
    apply({ kind, live, config, options, force }) {
      const existing = live ? (JSON.parse(live) as object) : undefined;
      try {
        const all = { ...options, type: typeOf(kind), force };
        const result = manager.apply(existing, JSON.parse(config) as object, all);
        if ('conflicts' in result) return result;
        const object = result.object as UnknownObject;
        const managedFields = fieldsText(object);
        const { managedFields: _apart, ...metadata } = object.metadata ?? {};
        return { object: JSON.stringify({ ...object, metadata }), managedFields };
      } catch (error) {
        if (error instanceof ApplyError) return { problem: error.message };
        throw error;
      }
    },
  };
}

function fieldsText({ metadata }: UnknownObject): string | undefined {
  const fields = metadata?.managedFields as readonly ManagedFieldsEntry[] | undefined;
  return fields && JSON.stringify(fields);
}

function createTypes(): (kind: KindName) => TypeNode {
  const kept = new Map<string, TypeNode>();
  let builtIn: ReturnType<typeof createScheme> | undefined;
  const make = ({ group, version, kind, custom }: KindName): TypeNode => {
    if (custom) return customType({ group, version, kind, schema: custom.schema });
    builtIn ??= createScheme(behaviours);
    const type = builtIn.typeOf(group, version, kind);
    if (!type) throw new Error(`there is no type of ${group}/${version} ${kind}`);
    return type;
  };
  return kind => {
    const key = JSON.stringify(kind);
    let type = kept.get(key);
    if (!type) {
      type = make(kind);
      if (kept.size >= maxKept) kept.clear();
      kept.set(key, type);
    }
    return type;
  };
}

function customType(of: { group: string; version: string; kind: string; schema: string | undefined }): TypeNode {
  const { group, version, kind, schema } = of;
  const openAPIV3Schema = schema === undefined ? undefined : JSON.parse(schema);
  const versions = [
    { name: version, served: true, storage: true, ...(openAPIV3Schema && { schema: { openAPIV3Schema } }) },
  ];
  const names = { plural: kind.toLowerCase(), kind };
  const definition = { metadata: {}, spec: { group, scope: 'Cluster', names, versions } };
  return createCustomKinds(definition as unknown as CustomResourceDefinition)[0]!.type;
}
