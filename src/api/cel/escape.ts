const reserved: ReadonlySet<string> = new Set(
  'true false null in as break const continue else for function if import let loop package namespace return var void while'.split(
    ' ',
  ),
);

const escapes: Readonly<Record<string, string>> = {
  __: '__underscores__',
  '.': '__dot__',
  '-': '__dash__',
  '/': '__slash__',
};

/** The CEL identifier of a JSON member's name (`a-b` is `a__dash__b`, `namespace` is `__namespace__`); undefined when it has none. */
export function escapeName(name: string): string | undefined {
  if (!/^[a-zA-Z_./-][a-zA-Z0-9_./-]*$/.test(name)) return undefined;
  if (reserved.has(name)) return `__${name}__`;
  return name.replace(/__|[-./]/g, found => escapes[found]!);
}

/** The JSON name of a CEL identifier; undefined for a wrong escape. */
export function unescapeName(escaped: string): string | undefined {
  let valid = true;
  const name = escaped.replace(/__([^_]+)__/g, (whole, word: string) => {
    for (const [plain, code] of Object.entries(escapes)) if (code === whole) return plain;
    if (!reserved.has(word) || whole !== escaped) valid = false;
    return word;
  });
  return valid ? name : undefined;
}
