/** True when an image reference means the tag `latest`: it says so, or has neither tag nor digest. */
export function isLatestImage(reference: string): boolean {
  const slash = reference.lastIndexOf('/');
  const last = slash < 0 ? reference : reference.slice(slash + 1);
  const at = last.indexOf('@');
  const named = at < 0 ? last : last.slice(0, at);
  const colon = named.indexOf(':');
  if (colon >= 0) return named.slice(colon + 1) === 'latest';
  return at < 0;
}
