import {
  authorizerType,
  boolType,
  bytesType,
  type CelType,
  cidrType,
  decisionType,
  doubleType,
  durationType,
  dynType,
  formatType,
  groupCheckType,
  intType,
  ipType,
  listType,
  mapType,
  optionalType,
  paramType,
  pathCheckType,
  quantityType,
  resourceCheckType,
  semverType,
  stringType,
  timestampType,
  typeType,
  uintType,
  urlType,
} from './types.ts';

const named: Readonly<Record<string, CelType>> = {
  bool: boolType,
  int: intType,
  uint: uintType,
  double: doubleType,
  string: stringType,
  bytes: bytesType,
  timestamp: timestampType,
  duration: durationType,
  dyn: dynType,
  Quantity: quantityType,
  URL: urlType,
  IP: ipType,
  CIDR: cidrType,
  Semver: semverType,
  Format: formatType,
  Authorizer: authorizerType,
  PathCheck: pathCheckType,
  GroupCheck: groupCheckType,
  ResourceCheck: resourceCheckType,
  Decision: decisionType,
  A: paramType('A'),
  B: paramType('B'),
};

/** What a library function is called with; the evaluator has matched the types. */
export type Run = (...args: never[]) => unknown;

/** What a function may keep between calls of one program, and the account of work that its cost does not show. */
export interface CallContext {
  /** Compiled patterns and the like by text. */
  memo<T>(key: string, make: () => T): T;
  /** Before work that cannot be interrupted and may take so long. */
  foresee(worstMs: number): void;
  /** Counts hidden work (code points walked, elements compared deeply); throws when it is beyond all measure. */
  work(units: number): void;
}

/** Marks a function that needs the context: it is bound to it when the program is made. */
export interface Bound {
  readonly bind: (context: CallContext) => Run;
}

/** Overload id, signature (`(string, int) -> bool`, for members `string.(int) -> bool`), implementation. */
export type Row = readonly [id: string, signature: string, run: Run | Bound];

export type Library = Readonly<Record<string, readonly Row[]>>;

export interface Overload {
  readonly id: string;
  readonly member: boolean;
  readonly args: readonly CelType[];
  readonly result: CelType;
  readonly run: Run | Bound;
}

/** Reads a row. */
export function parseRow([id, signature, run]: Row): Overload {
  const [call, result] = signature.split(' -> ') as [string, string];
  const open = call.indexOf('(');
  const target = open > 0 ? call.slice(0, open - 1) : undefined;
  const args = splitArguments(call.slice(open + 1, -1)).map(parseType);
  if (target !== undefined) args.unshift(parseType(target));
  return { id, member: target !== undefined, args, result: parseType(result), run };
}

function splitArguments(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at <= text.length; at++) {
    if (text[at] === '<') depth++;
    if (text[at] === '>') depth--;
    if (at === text.length || (text[at] === ',' && depth === 0)) {
      if (at > start) parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return parts;
}

function parseType(text: string): CelType {
  const open = text.indexOf('<');
  if (open < 0) {
    const found = named[text];
    if (found === undefined) throw new Error(`unknown type ${text} in a signature`);
    return found;
  }
  const params = splitArguments(text.slice(open + 1, -1)).map(parseType) as [CelType, CelType];
  switch (text.slice(0, open)) {
    case 'list':
      return listType(params[0]);
    case 'map':
      return mapType(params[0], params[1]);
    case 'optional':
      return optionalType(params[0]);
    default:
      return typeType(params[0]);
  }
}
