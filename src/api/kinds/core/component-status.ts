import type { KindBehaviour } from '../../kind.ts';
import type { ComponentStatus } from '../../types.ts';
import { nameColumn, text } from '../columns.ts';

function healthOf(object: ComponentStatus) {
  return object.conditions?.find(condition => condition.type === 'Healthy');
}

export const componentStatus: KindBehaviour<ComponentStatus> = {
  shortNames: ['cs'],
  columns: [
    nameColumn,
    text('Status', 'Status of the component conditions', o => {
      const health = healthOf(o);
      return health ? (health.status === 'True' ? 'Healthy' : 'Unhealthy') : 'Unknown';
    }),
    text('Message', 'Message of the component conditions', o => healthOf(o)?.message ?? ''),
    text('Error', 'Error of the component conditions', o => healthOf(o)?.error ?? ''),
  ],
};
