import type { NodeState } from '../node-state.ts';
import type { SchedulerPlugin } from '../plugin.ts';

const mebibyte = 1024 * 1024;
/** Upstream's thresholds: below the first nothing is gained, above the second (a container) everything. */
const minBytes = 23 * mebibyte;
const maxBytesPerContainer = 1000 * mebibyte;

/** Nodes that have the pod's images already are a little better; images that every node has count more. */
export const imageLocality: SchedulerPlugin = {
  name: 'ImageLocality',
  score: {
    weight: 1,
    normalize: 'none',
    prepare: ({ pod, nodes }) => {
      const images = [...pod.spec.containers, ...(pod.spec.initContainers ?? [])].map(c => withTag(c.image ?? ''));
      const spread = new Map(images.map(image => [image, nodes.filter(state => imageBytes(state, image) > 0).length]));
      if ([...spread.values()].every(count => count === 0)) return undefined;
      const maxBytes = maxBytesPerContainer * images.length;
      return {
        score: state => {
          const bytes = images.reduce(
            (sum, image) => sum + (imageBytes(state, image) * spread.get(image)!) / nodes.length,
            0,
          );
          const clamped = Math.min(Math.max(bytes, minBytes), maxBytes);
          return Math.floor((100 * (clamped - minBytes)) / (maxBytes - minBytes));
        },
      };
    },
  },
};

function imageBytes({ node }: NodeState, image: string): number {
  const found = (node.status?.images ?? []).find(entry =>
    entry.names?.some(name => name === image || name.endsWith(`/${image}`)),
  );
  return found?.sizeBytes ?? 0;
}

function withTag(image: string): string {
  return image.lastIndexOf(':') > image.lastIndexOf('/') ? image : `${image}:latest`;
}
