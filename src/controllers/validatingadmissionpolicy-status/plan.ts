import type { cel, ExpressionWarning, NamedRuleWithOperations, ValidatingAdmissionPolicy } from '#api';
import { createPolicyCompiler } from '#api';

/** A kind, as rules name it and as its objects say. */
export interface KindName {
  readonly group: string;
  readonly version: string;
  readonly kind: string;
}

/** What there is to know of the kinds that are served; both resolve with undefined when there is no such thing. */
export interface Kinds {
  named(group: string, version: string, resource: string): Promise<KindName | undefined>;
  typeOf(kind: KindName): Promise<cel.CelType | undefined>;
}

/** Upstream's limit for one rule. */
const maxKinds = 10;

/** The kinds that a policy is about as far as its rules name them without wildcards, in order. Source: policy/validating typechecking.go. */
export async function kindsToCheck({ spec }: ValidatingAdmissionPolicy, kinds: Kinds): Promise<KindName[]> {
  const found = new Map<string, KindName>();
  for (const rule of spec.matchConstraints?.resourceRules ?? []) {
    let count = 0;
    for (const { group, version, resource } of namesOf(rule)) {
      const kind = await kinds.named(group, version, resource);
      if (!kind) continue;
      found.set(formatKind(kind), kind);
      count++;
      if (count === maxKinds) return sorted(found);
    }
  }
  return sorted(found);
}

function* namesOf(rule: NamedRuleWithOperations): Generator<{ group: string; version: string; resource: string }> {
  const { apiGroups = [], apiVersions = [], resources = [] } = rule;
  if ([...apiGroups, ...apiVersions].some(name => name.includes('*'))) return;
  const plain = resources.filter(name => !/[*/]/.test(name)).sort();
  for (const group of apiGroups.toSorted())
    for (const version of apiVersions.toSorted()) for (const resource of plain) yield { group, version, resource };
}

function sorted(found: ReadonlyMap<string, KindName>): KindName[] {
  const parts = ({ group, version, kind }: KindName) => [group, version, kind];
  return [...found.values()].sort((left, right) => {
    const [a, b] = [parts(left), parts(right)];
    const index = a.findIndex((part, at) => part !== b[at]);
    return index < 0 ? 0 : a[index]! < b[index]! ? -1 : 1;
  });
}

function formatKind({ group, version, kind }: KindName): string {
  return `${group}/${version}, Kind=${kind}`;
}

/** A kind and the type of its objects. */
interface TypedKind {
  readonly kind: KindName;
  readonly type: cel.CelType;
}

/** What is wrong with the expressions of a policy when the types of what it is about are known. */
export async function checkTypes(policy: ValidatingAdmissionPolicy, kinds: Kinds): Promise<ExpressionWarning[]> {
  const typed: TypedKind[] = [];
  for (const kind of await kindsToCheck(policy, kinds)) {
    const type = await kinds.typeOf(kind);
    if (type) typed.push({ kind, type });
  }
  const { paramKind, variables = [], validations = [] } = policy.spec;
  const params = paramKind && (await kinds.typeOf(paramKindOf(paramKind)));
  const compilers = typed.map(({ kind, type }) => {
    const types = { object: type, ...(params ? { params } : {}) };
    const compiler = createPolicyCompiler({ hasParams: params !== undefined, types });
    for (const variable of variables) compiler.addVariable(variable);
    return { kind, compiler };
  });
  const warningOf = (expression: string) => {
    const texts = compilers.flatMap(({ kind, compiler }) => {
      const { problem } = compiler.compile(expression);
      return problem?.startsWith(compileHead) ? [`${formatKind(kind)}: ${problem.slice(compileHead.length)}\n`] : [];
    });
    return texts.join('\n');
  };
  return validations.flatMap(({ expression, messageExpression }, index) =>
    Object.entries({ expression, messageExpression }).flatMap(([field, text]) => {
      const warning = text ? warningOf(text) : '';
      return warning ? [{ fieldRef: `spec.validations[${index}].${field}`, warning }] : [];
    }),
  );
}

/** Before problems of types, in the words of refusals; here they stand alone. */
const compileHead = 'compilation failed: ';

function paramKindOf({ apiVersion = '', kind = '' }: { apiVersion?: string | undefined; kind?: string | undefined }) {
  const slash = apiVersion.indexOf('/');
  const group = slash < 0 ? '' : apiVersion.slice(0, slash);
  return { group, version: apiVersion.slice(slash + 1), kind };
}
