import type { Container } from '#api';

/** What a container was made from, as far as a change means a restart: upstream takes its name and its image. FNV-1a, 32 bits. */
export function containerHash({ name, image = '' }: Container): string {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(JSON.stringify({ name, image }))) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return hash.toString(16);
}
