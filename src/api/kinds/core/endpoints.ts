import type { KindBehaviour } from '../../kind.ts';
import type { Endpoints } from '../../types.ts';
import { ageColumn, listWithMore, nameColumn, text } from '../columns.ts';
import { validateEndpoints } from './endpoints-rules.ts';

function formatEndpoints(endpoints: Endpoints): string {
  const items = (endpoints.subsets ?? []).flatMap(({ addresses = [], ports = [] }) => {
    if (ports.length === 0) return addresses.map(address => address.ip);
    return ports.flatMap(({ port }) =>
      addresses.map(({ ip }) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`)),
    );
  });
  return listWithMore(items, items.length, 3, '<none>');
}

export const endpoints: KindBehaviour<Endpoints> = {
  shortNames: ['ep'],
  singular: 'endpoints',
  defaults(draft) {
    for (const subset of draft.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  validateCreate: validateEndpoints,
  validateUpdate: validateEndpoints,
  columns: [nameColumn, text('Endpoints', 'Addresses and ports that serve.', formatEndpoints), ageColumn],
  createOnUpdate: true,
};
