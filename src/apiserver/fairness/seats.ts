import { isTrue } from '#wire';
import type { RequestInfo } from '../request-info.ts';

/** Upstream's work estimator. */
const objectsPerSeat = 100;
const maxSeats = 10;

/**
 * How many seats a request takes: one, but for lists (and watches that begin with one), which take more the more objects they go through. `countObjects` tells how many
 * of a resource are stored; undefined: not known.
 */
export function estimateSeats(info: RequestInfo, countObjects: (info: RequestInfo) => number | undefined): number {
  const isListing = info.verb === 'list' || (info.verb === 'watch' && isTrue(info.query.get('sendInitialEvents')));
  // A name in the selector makes it a get.
  if (!isListing || info.name !== '') return 1;
  const stored = countObjects(info);
  if (stored === undefined) return 1;
  const limit = Math.min(Number(info.query.get('limit')) || stored, stored);
  const isSelected = info.query.has('labelSelector') || info.query.has('fieldSelector');
  const version = info.query.get('resourceVersion') ?? '';
  const isWhole = info.verb === 'watch' || limit === stored || version === '0';
  const objects = isWhole ? stored : isSelected ? Math.min(stored + limit, stored * 2) : 2 * limit;
  return Math.max(1, Math.min(maxSeats, Math.ceil(objects / objectsPerSeat)));
}
