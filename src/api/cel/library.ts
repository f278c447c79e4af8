import { authorizerLibrary } from './library-authorizer.ts';
import { formats } from './library-format.ts';
import { lists } from './library-lists.ts';
import { network } from './library-network.ts';
import { operators } from './library-operators.ts';
import { optionals } from './library-optional.ts';
import { quantities } from './library-quantity.ts';
import { standard } from './library-standard.ts';
import { strings } from './library-strings.ts';
import { urls } from './library-url.ts';
import { type Library, type Overload, parseRow } from './signature.ts';

/** Everything that Kubernetes 1.36 has (apiserver pkg/cel/environment/base.go), in the order in which overloads are tried. */
const libraries: readonly Library[] = [
  operators,
  standard,
  urls,
  strings,
  lists,
  authorizerLibrary,
  optionals,
  quantities,
  network,
  formats,
];

/** The overloads of a function; undefined when there is none of that name. */
export function overloadsOf(fn: string): readonly Overload[] | undefined {
  const found = libraries.flatMap(library => (Object.hasOwn(library, fn) ? library[fn]! : [])).map(parseRow);
  return found.length === 0 ? undefined : found;
}
