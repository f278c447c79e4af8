import type { Column } from '../../kind.ts';
import type { Scale } from '../../types.ts';
import { ageColumn, count, nameColumn } from '../columns.ts';

/** How `kubectl get --subresource=scale` shows any object that scales. */
export const scaleColumns: readonly Column<Scale>[] = [
  nameColumn,
  count('Desired', 'How many replicas there shall be.', scale => scale.spec?.replicas),
  count('Available', 'How many replicas there are.', scale => scale.status?.replicas),
  ageColumn,
];
