import type { Subresource, UnknownObject } from '#api';
import { apiVersionOf } from '#api';
import { isTrue } from '#wire';
import type { Target } from './target.ts';

type Read = (values: readonly string[]) => unknown;

const text: Read = values => values[0] ?? '';
const texts: Read = values => values;
/** One that is false is left out, as Go's encoding does. */
const flag: Read = values => isTrue(values[0] ?? '') || undefined;
/** Ports come as `80,443` too. */
const numbers: Read = values => values.flatMap(value => value.split(',')).map(Number);

const streams: Readonly<Record<string, Read>> = { stdin: flag, stdout: flag, stderr: flag, tty: flag, container: text };

/** Parameters by kind: these kinds are in no OpenAPI document, so no table has them. Source: core/v1 types.go. */
const parameters: Readonly<Record<string, Readonly<Record<string, Read>>>> = {
  PodExecOptions: { ...streams, command: texts },
  PodAttachOptions: streams,
  PodPortForwardOptions: { ports: numbers },
};

/** What admission sees of a stream or a proxy: the query as PodExecOptions, PodProxyOptions and so on. */
export function connectOptions({ exchange }: Target, { kind }: Subresource): UnknownObject {
  const { query, rest } = exchange.info;
  const options: Record<string, unknown> = { kind: kind.kind, apiVersion: apiVersionOf(kind) };
  for (const [name, read] of Object.entries(parameters[kind.kind] ?? {})) {
    const value = query.has(name) ? read(query.getAll(name)) : undefined;
    if (value !== undefined) options[name] = value;
  }
  // Of a proxy the path says where to.
  if (kind.kind.endsWith('ProxyOptions') && rest) options['path'] = rest;
  return options as unknown as UnknownObject;
}
