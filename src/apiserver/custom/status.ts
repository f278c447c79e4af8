import { isDeepStrictEqual } from 'node:util';
import type { CustomResourceDefinition } from '#api';
import { custom } from '#api';
import { approvalOf } from './approval.ts';
import type { Condition, NewCondition } from './conditions.ts';
import { withCondition } from './conditions.ts';
import { planNames, usedNames } from './names.ts';

/** The conditions that are there only as long as something is wrong. */
const onlyWhileTrue = 'NonStructuralSchema';

/**
 * The status that a definition should have, given the others of its group; the same object when it has it already. Names are accepted and the definition is
 * established in one step: nobody can see a definition whose names are accepted and that is not served. Source: controller/{status,establish,nonstructuralschema,
 * apiapproval}.
 */
export function planStatus(
  crd: CustomResourceDefinition,
  others: readonly Pick<CustomResourceDefinition, 'status'>[],
  nowMs: number,
): NonNullable<CustomResourceDefinition['status']> {
  const old = crd.status ?? {};
  const { names, condition } = planNames(crd.spec.names, old.acceptedNames ?? {}, usedNames(others));
  const wanted = [approvalOf(crd), nonStructural(crd), condition].filter(one => one !== undefined);
  let conditions: readonly Condition[] = old.conditions ?? [];
  for (const one of wanted) conditions = withCondition(conditions, one, nowMs);
  conditions = withCondition(conditions, established(conditions, condition), nowMs);
  if (!wanted.some(({ type }) => type === onlyWhileTrue)) {
    conditions = conditions.filter(({ type }) => type !== onlyWhileTrue);
  }
  const status = { ...old, acceptedNames: names, conditions: [...conditions] };
  return isDeepStrictEqual(status, old) ? old : status;
}

/** Once established, always established. */
function established(conditions: readonly Condition[], { status }: NewCondition): NewCondition {
  const old = conditions.find(({ type }) => type === 'Established');
  if (old?.status === 'True') {
    return { type: old.type, status: 'True', reason: old.reason ?? '', message: old.message ?? '' };
  }
  if (status === 'True') {
    return {
      type: 'Established',
      status: 'True',
      reason: 'InitialNamesAccepted',
      message: 'the initial names have been accepted',
    };
  }
  return { type: 'Established', status: 'False', reason: 'NotAccepted', message: 'not all names are accepted' };
}

/** A schema that cannot be served; validation lets none in, but an older server may have stored one. */
function nonStructural({ spec }: CustomResourceDefinition): NewCondition | undefined {
  const problems = spec.versions.flatMap((version, index) => {
    const schema = version.schema?.openAPIV3Schema;
    if (!schema) return [];
    try {
      custom.readSchema(schema);
      return [];
    } catch (error) {
      const { path, message } = error as { path?: string; message: string };
      return [`spec.versions[${index}].schema.openAPIV3Schema${path ? `.${path}` : ''}: ${message}`];
    }
  });
  if (problems.length === 0) return undefined;
  const message = problems.length === 1 ? problems[0]! : `[${problems.join(', ')}]`;
  return { type: onlyWhileTrue, status: 'True', reason: 'Violations', message };
}
