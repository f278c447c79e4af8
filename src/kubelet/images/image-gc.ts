import { statfs } from 'node:fs/promises';
import type { CriImage, CriImages } from '#wire';

export interface ImageGcOptions {
  images: CriImages;
  highPercent: number;
  lowPercent: number;
  /** Never collected. */
  pinned: readonly string[];
  /** Where the images lie. */
  storePath: string;
  /** Younger images may be about to be used. */
  minAgeMs: number;
}

/** When each image was seen first and used last. */
export interface ImageGc {
  /** Frees space down to the low mark when the high mark is passed, least recently used first. Answers the bytes that were freed. */
  collect(inUse: ReadonlySet<string>, nowMs: number, options?: { all?: boolean }): Promise<number>;
}

export function createImageGc(options: ImageGcOptions): ImageGc {
  const seen = new Map<string, { firstMs: number; usedMs: number }>();
  return {
    async collect(inUse, nowMs, { all = false } = {}) {
      const images = await options.images.list();
      for (const image of images) {
        const known = seen.get(image.id) ?? { firstMs: nowMs, usedMs: 0 };
        seen.set(image.id, isUsed(image, inUse) ? { ...known, usedMs: nowMs } : known);
      }
      for (const id of seen.keys()) if (!images.some(image => image.id === id)) seen.delete(id);
      const { blocks, bavail, bsize } = await statfs(options.storePath);
      const usedPercent = 100 - (bavail * 100) / blocks;
      if (!all && usedPercent < options.highPercent) return 0;
      const wantedBytes = all ? Number.POSITIVE_INFINITY : ((usedPercent - options.lowPercent) / 100) * blocks * bsize;
      const free = images.filter(
        image => isFree(image, inUse) && nowMs - seen.get(image.id)!.firstMs >= options.minAgeMs,
      );
      free.sort((a, b) => seen.get(a.id)!.usedMs - seen.get(b.id)!.usedMs);
      let freed = 0;
      for (const image of free) {
        if (freed >= wantedBytes) break;
        await options.images.remove(image.id);
        freed += image.size;
      }
      return freed;
    },
  };

  function isFree(image: CriImage, inUse: ReadonlySet<string>): boolean {
    const isPause = image.repoTags.some(tag => options.pinned.some(name => tag === name || tag.endsWith(`/${name}`)));
    return !image.pinned && !isPause && !isUsed(image, inUse);
  }
}

/** Containers name their image by its id, a tag, or the digest that it was pulled by. */
function isUsed({ id, repoTags, repoDigests }: CriImage, inUse: ReadonlySet<string>): boolean {
  return [id, ...repoTags, ...repoDigests].some(name => inUse.has(name));
}
