import type { Conflict, CustomResourceDefinition, FieldError, ManageOptions, ScalePaths } from '#api';
import { createCustomJudge, DecodeError, parseYamlBody, validateDefinition, validateDefinitionUpdate } from '#api';
import type { WireKind } from '#wire';
import { createFieldJobs } from './field-jobs.ts';
import { createProtobufJobs } from './protobuf-jobs.ts';

/** What a worker thread can be asked: all of it plain data, large values as JSON text, which is copied fastest. */
export interface Jobs {
  /** A YAML body as JSON, with reports of the keys that stand in it twice. Fails with DecodeError. */
  yaml: { input: { text: string }; output: { json: string; duplicates: string[] } };
  /** A custom object by its schema (JSON), as `Validation` does; `old` absent for a create. */
  custom: {
    input: {
      schema: string | undefined;
      scale: ScalePaths | undefined;
      object: string;
      old: string | undefined;
      isStatus: boolean;
    };
    output: { errors: FieldError[]; warnings: string[] };
  };
  /** The managed fields (JSON) of an object after a write that is no apply; undefined: nobody manages anything. */
  fields: {
    input: { kind: KindName; before: string | undefined; after: string; options: FieldOptions };
    output: { managedFields: string | undefined };
  };
  /** Server-side apply: the object that comes of it (JSON, managed fields apart), or what is in its way. */
  apply: {
    input: { kind: KindName; live: string | undefined; config: string; options: FieldOptions; force: boolean };
    output: Applied;
  };
  /** An object in protobuf, envelope and all, as JSON. Fails with DecodeError. */
  readProtobuf: { input: { bytes: Uint8Array }; output: { json: string } };
  /** The message of an object (JSON), without envelope. */
  writeProtobuf: { input: { json: Uint8Array; kind: WireKind }; output: { bytes: Uint8Array } };
  /** A definition of a custom resource. */
  definition: { input: { object: string; old: string | undefined }; output: { errors: FieldError[] } };
}

/** A kind as the thread can know it: by its name, and if it is a custom one by its schema (JSON). */
export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
  readonly custom: { readonly schema: string | undefined } | undefined;
}

export type FieldOptions = Pick<ManageOptions, 'manager' | 'ignored'>;

export type Applied =
  | { readonly object: string; readonly managedFields: string | undefined }
  | { readonly conflicts: Conflict[] }
  | { readonly problem: string };

export type JobName = keyof Jobs;

type Run<K extends JobName> = (input: Jobs[K]['input']) => Jobs[K]['output'];

/** The work itself: pure, blocks for as long as it takes. */
export function createJobs(): { readonly [K in JobName]: Run<K> } {
  const judge = createCustomJudge();
  return {
    yaml({ text }) {
      const { value, duplicates } = parseYamlBody(text);
      return { json: JSON.stringify(value) ?? 'null', duplicates };
    },
    ...createFieldJobs(),
    ...createProtobufJobs(),
    custom: ({ object, old, ...rest }) => judge({ ...rest, object: JSON.parse(object), old: old && JSON.parse(old) }),
    definition({ object, old }) {
      const definition = JSON.parse(object) as CustomResourceDefinition;
      const errors = old
        ? validateDefinitionUpdate(definition, JSON.parse(old) as CustomResourceDefinition)
        : validateDefinition(definition);
      return { errors };
    },
  };
}

/** An answer of the thread. A DecodeError is the client's; any other error is ours. */
export type JobAnswer = { output: unknown } | { refused: string } | { failed: string };

export function answerJob(jobs: ReturnType<typeof createJobs>, name: JobName, input: unknown): JobAnswer {
  try {
    return { output: (jobs[name] as (input: unknown) => unknown)(input) };
  } catch (error) {
    if (error instanceof DecodeError) return { refused: error.message };
    return { failed: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
