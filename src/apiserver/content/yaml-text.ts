/**
 * A JSON value as YAML, with its keys in order as upstream writes them. The `yaml` library takes seconds for what fits into one list; this takes as long as
 * JSON does, because it knows nothing of comments, anchors and styles. Texts that could be read as something else are written as JSON writes them, which YAML
 * allows.
 */
export function yamlText(value: unknown): string {
  const out: string[] = [];
  if (isEmptyOrScalar(value)) out.push(scalarText(value));
  else write(value as Container, '', out);
  out.push('\n');
  return out.join('').replace(/^\n/, '');
}

/** The same in steps, for large values. */
export function* yamlSteps(value: unknown): Generator<void, string> {
  if (isEmptyOrScalar(value)) return yamlText(value);
  const text = createText();
  yield* writeSteps(value as Container, { indent: '', text, depth: steppedDepth, isBeside: false });
  return `${text.take().slice(1)}\n`;
}

/** An item of `yamlPieces` in steps. */
export function* yamlItemSteps(item: unknown): Generator<void, string> {
  const text = createText();
  text.out.push('-');
  yield* writeSteps(item as Container, { indent: '  ', text, depth: steppedDepth, isBeside: true });
  return `${text.take()}\n`;
}

/** What is in deeper levels is written at once. */
const steppedDepth = 8;
/** Pieces that are joined at a time. */
const maxPieces = 8192;

/** A text that is joined as it grows: all at once would take too long. */
interface Text {
  readonly out: string[];
  /** Between two members. */
  join(): void;
  take(): string;
}

function createText(): Text {
  const out: string[] = [];
  const texts: string[] = [];
  return {
    out,
    join() {
      if (out.length < maxPieces) return;
      texts.push(out.join(''));
      out.length = 0;
    },
    take: () => texts.join('') + out.join(''),
  };
}

interface SteppedPlace {
  readonly indent: string;
  readonly text: Text;
  readonly depth: number;
  /** The first line goes beside a dash. */
  readonly isBeside: boolean;
}

/** `write`, which may be left after each member. */
function* writeSteps(value: Container, at: SteppedPlace): Generator<void, void> {
  const { indent, text, depth } = at;
  const { out } = text;
  let isBeside = at.isBeside;
  const isList = Array.isArray(value);
  const names = isList ? value.keys() : namesOf(value as Readonly<Record<string, unknown>>);
  for (const name of names) {
    const part = (value as Readonly<Record<string | number, unknown>>)[name];
    const start = out.length;
    const isWhole = depth === 0 || isEmptyOrScalar(part);
    if (!isWhole) out.push('\n', indent, isList ? '-' : `${plainOrQuoted(name as string)}:`);
    else if (isList) writeItem(part, indent, out);
    else writeMember(name as string, part, { indent, out });
    if (isBeside) {
      out[start] = ' ';
      out[start + 1] = '';
    }
    isBeside = false;
    if (!isWhole) {
      // Lists stand as far out as their key.
      const inner = !isList && Array.isArray(part) ? indent : `${indent}  `;
      yield* writeSteps(part as Container, { indent: inner, text, depth: depth - 1, isBeside: isList });
    }
    text.join();
    yield;
  }
}

/** The same for an object with one more member, a list, whose items are written one after the other: what comes before them, each of them, what follows. */
export function yamlPieces(
  value: Readonly<Record<string, unknown>>,
  list: string,
): { head(isEmpty: boolean): string; item(item: unknown): string; tail: string } {
  const names = namesOf(value);
  const part = (wanted: (name: string) => boolean): string => {
    const members = names.filter(wanted).map(name => [name, value[name]]);
    return members.length === 0 ? '' : yamlText(Object.fromEntries(members));
  };
  return {
    head: isEmpty => `${part(name => name < list)}${list}:${isEmpty ? ' []' : ''}\n`,
    item(item) {
      const out: string[] = [];
      writeItem(item, '', out);
      out.push('\n');
      return out.join('').slice(1);
    },
    tail: part(name => name > list),
  };
}

type Container = readonly unknown[] | Readonly<Record<string, unknown>>;

/** Each line begins with its own line break, so that the first member of an item can stand beside its dash. */
function write(value: Container, indent: string, out: string[]): void {
  if (Array.isArray(value)) {
    for (const item of value as readonly unknown[]) writeItem(item, indent, out);
    return;
  }
  for (const key of namesOf(value as Readonly<Record<string, unknown>>)) {
    writeMember(key, (value as Readonly<Record<string, unknown>>)[key], { indent, out });
  }
}

function writeMember(key: string, part: unknown, { indent, out }: { indent: string; out: string[] }): void {
  out.push('\n', indent, plainOrQuoted(key), ':');
  if (isEmptyOrScalar(part)) out.push(' ', scalarText(part));
  // Lists stand as far out as their key, as upstream's do.
  else write(part as Container, Array.isArray(part) ? indent : `${indent}  `, out);
}

function writeItem(item: unknown, indent: string, out: string[]): void {
  out.push('\n', indent, '-');
  if (isEmptyOrScalar(item)) {
    out.push(' ', scalarText(item));
    return;
  }
  const start = out.length;
  write(item as Container, `${indent}  `, out);
  // The first line of what is in the item goes beside the dash.
  out[start] = ' ';
  out[start + 1] = '';
}

function namesOf(value: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(value)
    .filter(key => value[key] !== undefined)
    .sort();
}

function isEmptyOrScalar(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.length === 0;
  for (const key in value) if ((value as Record<string, unknown>)[key] !== undefined) return false;
  return true;
}

function scalarText(value: unknown): string {
  if (typeof value === 'string') return plainOrQuoted(value);
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '[]' : '{}';
  return value === undefined ? 'null' : JSON.stringify(value);
}

/** Neither a number nor a time can begin so, and nothing in it means anything to YAML. */
const plain = /^[A-Za-z_/][A-Za-z0-9_./-]*$/;
/** Words of YAML 1.1 and 1.2 that are no texts. */
const words = /^(?:true|false|null|yes|no|on|off|y|n)$/i;

function plainOrQuoted(text: string): string {
  return plain.test(text) && !words.test(text) ? text : JSON.stringify(text);
}
