import type { KubeObject } from '../resource.ts';
import type { PodTemplateSpec } from '../types.ts';
import { checkLabel } from './name-rules.ts';
import { warnAboutPodSpec } from './pod-warnings.ts';

/** The `warnings` of a workload: its name, which its pods inherit, and its template. After creation only when the spec has changed. */
export function workloadWarnings<T extends KubeObject>(
  template: (object: T) => PodTemplateSpec | undefined,
  path = 'spec.template',
  aboutSpec: (object: T) => string[] = () => [],
): (object: T, old: T | undefined) => string[] {
  return (object, old) => {
    if (old && !changed(object, old)) return [];
    const named = old ? [] : warnAboutName(object, 'Pod names and hostnames');
    return [...named, ...aboutSpec(object), ...warnAboutTemplate(template(object), path)];
  };
}

/** The same without a word about the name: for kinds whose name has its own rule, or whose pods upstream does not warn of. */
export function templateOnlyWarnings<T extends KubeObject>(
  template: (object: T) => PodTemplateSpec | undefined,
  path = 'spec.template',
): (object: T, old: T | undefined) => string[] {
  return (object, old) => (old && !changed(object, old) ? [] : warnAboutTemplate(template(object), path));
}

/** A name with dots is no host name. */
export function warnAboutName(object: KubeObject, use: string): string[] {
  const messages = checkLabel(object.metadata.name);
  if (messages.length === 0) return [];
  const text = 'which can result in surprising behavior; a DNS label is recommended';
  return [`metadata.name: this is used in ${use}, ${text}: [${messages.join(' ')}]`];
}

function changed(object: KubeObject, old: KubeObject): boolean {
  return object.metadata.generation !== old.metadata.generation;
}

function warnAboutTemplate(template: PodTemplateSpec | undefined, path: string): string[] {
  return template?.spec ? warnAboutPodSpec(template.spec, { path: `${path}.spec`, metadata: template.metadata }) : [];
}
