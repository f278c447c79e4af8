import { dirname, resolve } from 'node:path';
import { type Field, readDocument } from '../document.ts';
import { type PodSecurityConfig, parsePodSecurityConfig, podSecurityDocument } from './pod-security-config.ts';

/** What an operator's file says to admission plugins. */
export interface AdmissionConfiguration {
  readonly podSecurity?: PodSecurityConfig | undefined;
}

const spec = {
  kind: 'AdmissionConfiguration',
  apiVersions: ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1'],
};

/** Reads an --admission-control-config-file as kube-apiserver's. Throws DocumentError that names file and field. */
export function readAdmissionConfiguration(path: string): AdmissionConfiguration {
  const { plugins } = readDocument(path, spec).members('plugins');
  const names = new Set<string>();
  let podSecurity: PodSecurityConfig | undefined;
  for (const field of plugins.list()) {
    const { name, path: file, configuration } = field.members('name', 'path', 'configuration');
    if (names.has(name.text())) name.fail('is there twice');
    names.add(name.text());
    if (name.text() !== 'PodSecurity') name.fail('only PodSecurity takes a configuration in this version');
    if (file.isSet && configuration.isSet) file.fail('path and configuration exclude each other');
    if (!file.isSet && !configuration.isSet) field.fail('path or configuration is required');
    // A relative path is meant from the file that names it, as upstream.
    podSecurity = parsePodSecurityConfig(
      file.isSet ? readDocument(resolve(dirname(path), file.text()), podSecurityDocument) : checkKind(configuration),
    );
  }
  return { podSecurity };
}

function checkKind(field: Field): Field {
  const { kind, apiVersion } = field.members('kind', 'apiVersion', 'defaults', 'exemptions');
  if (kind.value !== podSecurityDocument.kind) kind.fail(`must be ${podSecurityDocument.kind}`);
  apiVersion.oneOf(podSecurityDocument.apiVersions);
  return field;
}
