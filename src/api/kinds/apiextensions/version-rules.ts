import { isSmall } from '#base';
import { readSchema, type Schema, SchemaError } from '../../custom/schema.ts';
import type { FieldError } from '../../kind.ts';
import type { Pace } from '../../pace.ts';
import { createTypeNodes } from '../../type-nodes.ts';
import type { CustomResourceDefinition, CustomResourceDefinitionVersion } from '../../types.ts';
import { semanticallyEqual } from '../equality.ts';
import { invalid, required } from '../field-error.ts';
import { checkLabel1035 } from '../name-rules.ts';
import { checkColumns, checkSelectableFields, checkSubresources } from './column-rules.ts';
import { checkTotalCost, rootScope } from './cost-rules.ts';
import { checkDefaults, unprunedDetail } from './default-rules.ts';
import { keptDetails } from './list-rules.ts';
import { checkRoot, checkSchema } from './schema-rules.ts';
import { checkStructural } from './structural-rules.ts';

/** What the versions of a definition say. Parts that are the same in all versions are judged once, under paths of upstream's internal type. */
export function checkVersions(errors: FieldError[], context: Context): void {
  const versions = context.definition.spec.versions ?? [];
  checkVersionNames(errors, versions);
  for (const part of parts) {
    if (part.isShared(versions))
      part.check(errors, { ...context, version: versions[0]!, path: part.sharedPath, shared: true });
    else {
      versions.forEach((version, index) => {
        part.check(errors, { ...context, version, path: `spec.versions[${index}].${part.name}`, shared: false });
      });
    }
  }
}

function checkVersionNames(errors: FieldError[], versions: readonly CustomResourceDefinitionVersion[]): void {
  const names = versions.map(version => version.name ?? '');
  versions.forEach((version, index) => {
    const at = `spec.versions[${index}]`;
    const messages = checkLabel1035(version.name ?? '');
    if (messages.length > 0) errors.push(invalid(`${at}.name`, version.name ?? '', messages.join(',')));
    for (const text of deprecationProblems(version)) {
      errors.push(invalid(`${at}.deprecationWarning`, version.deprecationWarning, text));
    }
    if (!version.schema?.openAPIV3Schema) {
      errors.push(required(`${at}.schema.openAPIV3Schema`));
    }
  });
  if (new Set(names).size !== names.length) {
    errors.push(invalid('spec.versions', names, 'must contain unique version names'));
  }
  if (versions.filter(version => version.storage).length !== 1) {
    errors.push(invalid('spec.versions', names, 'must have exactly one version marked as storage version'));
  }
}

const longestWarning = 256;

function deprecationProblems({ deprecated, deprecationWarning: text }: CustomResourceDefinitionVersion): string[] {
  if (text === undefined) return [];
  if (!deprecated) return ['can only be set for deprecated versions'];
  const problems: string[] = [];
  if (Buffer.byteLength(text) > longestWarning) problems.push(`must be <= ${longestWarning} characters long`);
  if (text === '') problems.push('must not be an empty string');
  const stray = text.search(/(?! )[\p{C}\p{Z}]/u);
  if (stray >= 0) {
    const index = Buffer.byteLength(text.slice(0, stray));
    problems.push(`must only contain printable UTF-8 characters; non-printable character found at index ${index}`);
  }
  return problems;
}

interface Context {
  readonly definition: CustomResourceDefinition;
  readonly old: CustomResourceDefinition | undefined;
  readonly pace: Pace | undefined;
}

interface At extends Context {
  readonly version: CustomResourceDefinitionVersion;
  readonly path: string;
  readonly shared: boolean;
}

interface Part {
  readonly name: string;
  readonly sharedPath: string;
  isShared(versions: readonly CustomResourceDefinitionVersion[]): boolean;
  check(errors: FieldError[], at: At): void;
}

function sameIn(name: keyof CustomResourceDefinitionVersion): Part['isShared'] {
  return versions =>
    versions.length > 0 && versions.every(version => semanticallyEqual(version[name], versions[0]?.[name]));
}

const parts: readonly Part[] = [
  { name: 'schema', sharedPath: 'spec.validation', isShared: sameIn('schema'), check: checkVersionSchema },
  {
    name: 'subresources',
    sharedPath: 'spec.subresources',
    isShared: sameIn('subresources'),
    check: (errors, { path, version }) => checkSubresources(errors, path, version.subresources),
  },
  {
    name: 'additionalPrinterColumns',
    sharedPath: 'spec.additionalPrinterColumns',
    isShared: sameIn('additionalPrinterColumns'),
    check: (errors, { path, version }) => checkColumns(errors, path, version.additionalPrinterColumns),
  },
  {
    name: 'selectableFields',
    sharedPath: 'spec.selectableFields',
    isShared: sameIn('selectableFields'),
    check: checkSelectable,
  },
];

function schemaOf(version: CustomResourceDefinitionVersion | undefined): Schema | undefined {
  const schema = version?.schema?.openAPIV3Schema;
  return schema ? readSchema(schema) : undefined;
}

function oldVersionOf({ old, version }: At): CustomResourceDefinitionVersion | undefined {
  return old?.spec.versions?.find(({ name }) => name === version.name);
}

/** Schemas with more values are not begun here: they would not be done in the time that there is. */
const mostValues = 20_000;
/** What they take at worst. */
const longMs = 100;

function checkVersionSchema(errors: FieldError[], at: At): void {
  const path = `${at.path}.openAPIV3Schema`;
  if (at.pace && !isSmall(at.version.schema, mostValues)) at.pace.check(longMs);
  try {
    const schema = schemaOf(at.version);
    if (!schema) return;
    const { versions } = at.definition.spec;
    const hasStatus = (at.shared ? versions : [at.version]).some(version => version.subresources?.status);
    const before = oldVersionOf(at);
    const isUnchanged = before !== undefined && semanticallyEqual(before.schema, at.version.schema);
    const found = judgeSchema(schema, path, { hasStatus, isUnchanged, pace: at.pace });
    const kept = at.old && found.some(isKeepable) ? keepableOf(at.old, at.pace) : undefined;
    for (const error of found) if (!kept || !isKept(error, kept)) errors.push(error);
  } catch (error) {
    if (!(error instanceof SchemaError)) throw error;
    const field = error.path ? `${path}.${error.path}` : path;
    errors.push({ reason: 'FieldValueInvalid', field, message: `Invalid value: "": ${error.message}` });
  }
}

const metadataTypeName = 'io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta';

function judgeSchema(
  schema: Schema,
  path: string,
  options: { hasStatus: boolean; isUnchanged: boolean; pace: Pace | undefined },
): FieldError[] {
  const errors: FieldError[] = [];
  const { pace, isUnchanged } = options;
  checkRoot(errors, path, { schema, hasStatus: options.hasStatus });
  const structural = checkStructural(path, schema, pace);
  const defaults = structural.length === 0 ? checkDefaults(path, schema, createTypeNodes()(metadataTypeName)!) : [];
  pace?.check();
  errors.push(...structural, ...defaults);
  const isSound = structural.length === 0 && defaults.length === 0;
  const cost = isSound ? rootScope({ isUnchanged }) : undefined;
  const scope = { path, noDefaults: undefined, isInMeta: false, uncorrelated: undefined, cost, pace };
  const found = checkSchema(schema, scope, true);
  errors.push(...found.schema, ...found.rules);
  if (cost) checkTotalCost(errors, path, cost.total);
  return errors;
}

/** Details of rules that came later than definitions that break them. */
const keepable: readonly string[] = [unprunedDetail, ...Object.values(keptDetails)];

function detailOf(error: FieldError): string | undefined {
  return keepable.find(detail => error.message.includes(detail));
}

function isKeepable(error: FieldError): boolean {
  return detailOf(error) !== undefined;
}

/** The rules that the old definition breaks. */
function keepableOf(old: CustomResourceDefinition, pace: Pace | undefined): ReadonlySet<string> {
  const details = (old.spec.versions ?? []).flatMap(version => {
    const schema = schemaOf(version);
    if (!schema) return [];
    const found = judgeSchema(schema, '', { hasStatus: false, isUnchanged: true, pace });
    return found.map(detailOf).filter(detail => detail !== undefined);
  });
  return new Set(details);
}

function isKept(error: FieldError, kept: ReadonlySet<string>): boolean {
  const detail = detailOf(error);
  return detail !== undefined && kept.has(detail);
}

function checkSelectable(errors: FieldError[], at: At): void {
  const fields = at.version.selectableFields ?? [];
  if (fields.length === 0) return;
  try {
    const schema = schemaOf(at.version);
    if (!schema) {
      const detail = 'may only be set when `version.schema.openAPIV3Schema` is not included';
      errors.push(invalid(at.path, '', detail));
      return;
    }
    const mayBeMany = semanticallyEqual(oldVersionOf(at)?.selectableFields, fields);
    checkSelectableFields(errors, at.path, { fields, schema, mayBeMany });
  } catch (error) {
    // A schema that cannot be read has been reported.
    if (!(error instanceof SchemaError)) throw error;
  }
}
