import {
  boolType,
  CelCompileError,
  type CelProgram,
  type CelType,
  compileCel,
  optionalType,
  typeFromSchema,
} from '../cel/index.ts';
import type { Pace } from '../pace.ts';
import { readFieldPath } from './field-path.ts';
import type { Rule, Schema } from './schema.ts';

/** One rule of a schema, ready to run, or the reason why it is not. */
export interface RuleProgram {
  readonly rule: Rule;
  /** Absent for an empty rule and for one that does not compile. */
  readonly program: CelProgram | undefined;
  readonly error: string | undefined;
  readonly message: CelProgram | undefined;
  readonly messageError: string | undefined;
  /** A transition rule: it speaks of the value before. */
  readonly usesOldSelf: boolean;
  /** `.a.b`, as text for a path: `a.b`; empty without fieldPath. */
  readonly fieldPath: string;
}

/** The CEL type of a node; `isResource`: the root of a resource, or an embedded one. Undefined: rules cannot speak of it. */
export function selfTypeOf(schema: Schema, isResource: boolean): CelType | undefined {
  return typeFromSchema(schema, { resourceRoot: isResource });
}

/** Compiles the rules of one node, not of those below it. Texts of errors are those of pkg/apiserver/schema/cel/compilation.go. */
export function compileNodeRules(schema: Schema, self: CelType, pace?: Pace): RuleProgram[] {
  return (schema['x-kubernetes-validations'] ?? []).map(rule => {
    pace?.check((rule.rule.length + (rule.messageExpression ?? '').length) * compileMsEach);
    return compileRule(rule, schema, self);
  });
}

/** Measured at worst: a character of an expression parsed, checked, planned and its cost estimated. */
const compileMsEach = 0.004;

function compileRule(rule: Rule, schema: Schema, self: CelType): RuleProgram {
  const variables = { self, oldSelf: rule.optionalOldSelf ? optionalType(self) : self };
  const main = attempt(rule.rule, variables, ruleTexts);
  const message = rule.messageExpression ? attempt(rule.messageExpression, variables, messageTexts) : undefined;
  return {
    rule,
    program: main.program,
    error: main.error,
    message: message?.program,
    messageError: message?.error,
    usesOldSelf: main.program?.references.has('oldSelf') ?? false,
    fieldPath: fieldPathOf(rule, schema),
  };
}

function fieldPathOf({ fieldPath }: Rule, schema: Schema): string {
  if (!fieldPath) return '';
  const found = readFieldPath(fieldPath, schema);
  return 'error' in found ? '' : found.path;
}

interface Texts {
  readonly compile: string;
  readonly result: string;
  readonly program: string;
  fits(type: CelType): boolean;
}

const ruleTexts: Texts = {
  compile: 'compilation failed: ',
  result: 'cel expression must evaluate to a bool',
  program: 'program instantiation failed: ',
  fits: type => type.kind === boolType.kind,
};
const messageTexts: Texts = {
  compile: 'messageExpression compilation failed: ',
  result: 'messageExpression must evaluate to a string',
  program: 'messageExpression instantiation failed: ',
  fits: type => type.kind === 'string',
};

interface Attempt {
  readonly program?: CelProgram;
  readonly error?: string;
}

function attempt(expression: string, variables: Record<string, CelType>, texts: Texts): Attempt {
  if (expression.trim() === '') return {};
  try {
    const program = compileCel(expression, { variables });
    return texts.fits(program.resultType) ? { program } : { error: texts.result };
  } catch (error) {
    if (!(error instanceof CelCompileError)) throw error;
    return {
      error: error.stage === 'program' ? withPrefix(texts.program, error.message) : texts.compile + error.message,
    };
  }
}

/** The engine may have said it already. */
function withPrefix(prefix: string, message: string): string {
  return message.startsWith('program instantiation failed: ')
    ? prefix + message.slice('program instantiation failed: '.length)
    : prefix + message;
}
