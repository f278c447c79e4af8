/** The grammar of image names, as upstream's distribution/reference reads them. */
const domain =
  '(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?)(?:\\.(?:[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?))*(?::[0-9]+)?';
const component = '[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*';
const form = new RegExp(
  `^(?<name>(?:(?:${domain}|\\[[a-fA-F0-9:]+\\](?::[0-9]+)?)/)?${component}(?:/${component})*)` +
    `(?::(?<tag>\\w[\\w.-]{0,127}))?(?:@(?<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?$`,
);

/** The name with `:latest` when it has neither tag nor digest; undefined when it is no image name. */
export function withDefaultTag(image: string): string | undefined {
  const groups = form.exec(image)?.groups;
  if (!groups || /^[a-f0-9]{64}$/.test(image)) return undefined;
  return groups['tag'] || groups['digest'] ? image : `${image}:latest`;
}

/** Why upstream refuses the name. */
export function describeBadName(image: string): string {
  const isUpper = /[A-Z]/.test(image.replace(/^[^/]*[.:][^/]*\//, ''));
  return isUpper && withDefaultTag(image.toLowerCase())
    ? 'repository name must be lowercase'
    : 'invalid reference format';
}

/** The registry and the rest: `docker.io` and `library/busybox` for `busybox`. */
export function splitImageName(image: string): { registry: string; path: string } {
  const bare = image.split('@')[0]!;
  const [first = '', ...rest] = bare.split('/');
  const isRegistry = rest.length > 0 && (/[.:]/.test(first) || first === 'localhost');
  const path = (isRegistry ? rest.join('/') : bare).replace(/:[^:/]*$/, '');
  if (isRegistry) return { registry: first, path };
  return { registry: 'docker.io', path: rest.length > 0 ? path : `library/${path}` };
}
