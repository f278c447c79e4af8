/**
 * Replaces `$(NAME)` by the variable's value; `$$` is one dollar, and names that nobody set stay as they are written.
 * Source: upstream's third_party/forked/golang/expansion.
 */
export function expand(text: string, lookUp: (name: string) => string | undefined): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, kind: string, name: string | undefined) =>
    kind === '$' ? '$' : (lookUp(name!) ?? whole),
  );
}
