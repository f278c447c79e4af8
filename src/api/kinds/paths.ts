/** Visits the items of a list, each with its path: `spec.ports[2]`. */
export function eachAt<T>(
  path: string,
  list: readonly T[] | undefined,
  visit: (path: string, item: T, index: number) => void,
): void {
  if (!list) return;
  for (let index = 0; index < list.length; index += 1) visit(`${path}[${index}]`, list[index]!, index);
}
