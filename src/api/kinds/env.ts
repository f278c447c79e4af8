import type { FieldError } from '../kind.ts';
import type { EnvFromSource, EnvVar, EnvVarSource } from '../types.ts';
import { checkFieldRef, checkResourceFieldRef, envFields } from './downward.ts';
import { invalid, pushInvalid, required } from './field-error.ts';
import { checkNoBacksteps } from './file-paths.ts';
import { checkConfigKey, checkEnvName, checkLabel, checkSubdomain } from './name-rules.ts';
import { eachAt } from './paths.ts';

const sources = ['fieldRef', 'resourceFieldRef', 'configMapKeyRef', 'secretKeyRef', 'fileKeyRef'] as const;
const noSource =
  'must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`';
const tooManySources = 'may not have more than one field specified at a time';

/** Environment variables of a container. */
export function checkEnv(errors: FieldError[], path: string, env: readonly EnvVar[] | undefined): void {
  eachAt(path, env, (at, variable) => {
    if (!variable.name) errors.push(required(`${at}.name`));
    else {
      const messages = checkEnvName(variable.name);
      if (messages.length > 0) pushInvalid(errors, `${at}.name`, variable.name, messages);
    }
    if (variable.valueFrom)
      checkSource(errors, `${at}.valueFrom`, { source: variable.valueFrom, value: variable.value });
  });
}

function checkSource(
  errors: FieldError[],
  path: string,
  { source, value }: { source: EnvVarSource; value: string | undefined },
): void {
  if (source.fieldRef) checkFieldRef(errors, `${path}.fieldRef`, { ref: source.fieldRef, allowed: envFields });
  if (source.resourceFieldRef) {
    checkResourceFieldRef(errors, `${path}.resourceFieldRef`, { ref: source.resourceFieldRef, volume: false });
  }
  if (source.configMapKeyRef) checkKeyRef(errors, `${path}.configMapKeyRef`, source.configMapKeyRef);
  if (source.secretKeyRef) checkKeyRef(errors, `${path}.secretKeyRef`, source.secretKeyRef);
  if (source.fileKeyRef) checkFileRef(errors, `${path}.fileKeyRef`, source.fileKeyRef);
  const count = sources.filter(key => source[key]).length;
  if (count === 0) errors.push(invalid(path, '', noSource));
  else if (value) errors.push(invalid(path, '', 'may not be specified when `value` is not empty'));
  else if (count > 1) errors.push(invalid(path, '', tooManySources));
}

function checkKeyRef(errors: FieldError[], path: string, ref: { name?: string | undefined; key: string }): void {
  const name = ref.name ?? '';
  pushInvalid(errors, `${path}.name`, name, checkSubdomain(name));
  if (!ref.key) errors.push(required(`${path}.key`));
  else pushInvalid(errors, `${path}.key`, ref.key, checkConfigKey(ref.key));
}

function checkFileRef(errors: FieldError[], path: string, ref: NonNullable<EnvVarSource['fileKeyRef']>): void {
  if (!ref.key) errors.push(required(`${path}.key`));
  else pushInvalid(errors, `${path}.key`, ref.key, checkEnvName(ref.key));
  if (!ref.volumeName) errors.push(required(`${path}.volumeName`));
  else pushInvalid(errors, `${path}.volumeName`, ref.volumeName, checkLabel(ref.volumeName));
  if (!ref.path) errors.push(required(`${path}.path`));
  else checkNoBacksteps(errors, `${path}.path`, ref.path);
}

/** Whole ConfigMaps and Secrets as variables. */
export function checkEnvFrom(errors: FieldError[], path: string, env: readonly EnvFromSource[] | undefined): void {
  eachAt(path, env, (at, source) => {
    if (source.prefix) pushInvalid(errors, `${at}.prefix`, source.prefix, checkEnvName(source.prefix));
    if (source.configMapRef) checkName(errors, `${at}.configMapRef.name`, source.configMapRef.name);
    if (source.secretRef) checkName(errors, `${at}.secretRef.name`, source.secretRef.name);
    // Upstream reports these two at the list, not at the item.
    if (!source.configMapRef && !source.secretRef) {
      errors.push(invalid(path, '', 'must specify one of: `configMapRef` or `secretRef`'));
    } else if (source.configMapRef && source.secretRef) errors.push(invalid(path, '', tooManySources));
  });
}

function checkName(errors: FieldError[], path: string, name: string | undefined): void {
  if (!name) errors.push(required(path));
  else pushInvalid(errors, path, name, checkSubdomain(name));
}
