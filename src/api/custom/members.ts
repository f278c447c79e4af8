import { isSmall } from '#base';
import { propertyOf, type Schema } from './schema.ts';

/** What is made of the properties of a schema, by their names. */
export interface Members<T> {
  /** Nothing has been made of any of them, nor ever will be. */
  readonly isEmpty: boolean;
  get(name: string): T | undefined;
}

/** Schemas with fewer values are compiled whole, in a few milliseconds; and it shows whether there is anything to do for them. */
const mostValues = 5000;

/** True for schemas of which parts are compiled when a value first comes there: as a whole it could take longer than a turn of the event loop may. */
export function isLargeSchema(schema: Schema): boolean {
  return !isSmall(schema, mostValues);
}

/** `make` for each property: now, or for a large schema when a value first asks for it. */
export function compileMembers<T extends object>(
  schema: Schema,
  make: (property: Schema, name: string) => T | undefined,
): Members<T> {
  const made = new Map<string, T | undefined>();
  if (isLargeSchema(schema)) {
    const get = (name: string) => {
      if (made.has(name)) return made.get(name);
      const property = propertyOf(schema, name);
      // Names that the schema does not have are not remembered: there is no end of them.
      if (!property) return undefined;
      made.set(name, make(property, name));
      return made.get(name);
    };
    return { isEmpty: false, get };
  }
  for (const name in schema.properties) {
    const part = make(schema.properties[name]!, name);
    if (part) made.set(name, part);
  }
  return { isEmpty: made.size === 0, get: name => made.get(name) };
}
