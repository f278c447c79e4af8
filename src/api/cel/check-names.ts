import type { Expr } from './ast.ts';
import { boolType, bytesType, type CelType, doubleType, intType, nullType, stringType, uintType } from './types.ts';
import { CelUint } from './values.ts';

/** The type of a literal's value. */
export function literalType(value: unknown): CelType {
  if (value === null) return nullType;
  switch (typeof value) {
    case 'boolean':
      return boolType;
    case 'bigint':
      return intType;
    case 'number':
      return doubleType;
    case 'string':
      return stringType;
  }
  return value instanceof CelUint ? uintType : bytesType;
}

/** `a.b.c` of identifiers only. */
export function qualifiedName(expr: Expr): string | undefined {
  if (expr.kind === 'ident') return expr.name;
  if (expr.kind !== 'select' || expr.testOnly) return undefined;
  const prefix = qualifiedName(expr.operand);
  return prefix === undefined ? undefined : `${prefix}.${expr.field}`;
}

const runtimeNames: Readonly<Record<string, string>> = {
  null: 'null_type',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
};

/** What `type(x)` says of values of a type. */
export function typeValueName(type: CelType): string {
  return type.name ?? runtimeNames[type.kind] ?? type.kind;
}
