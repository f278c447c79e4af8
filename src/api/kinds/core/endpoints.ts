import type { KindBehaviour } from '../../kind.ts';
import type { Endpoints } from '../../types.ts';
import { warnAboutAddress } from '../address-warnings.ts';
import { ageColumn, listWithMore, nameColumn, text } from '../columns.ts';
import { eachAt } from '../paths.ts';
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

/** The controller writes addresses as they should be. */
const controllerLabel = 'endpoints.kubernetes.io/managed-by';
const controllerName = 'endpoint-controller';

function warnAboutAddresses({ metadata, subsets }: Endpoints): string[] {
  if (metadata.labels?.[controllerLabel] === controllerName) return [];
  const warnings: string[] = [];
  eachAt('subsets', subsets, (path, subset) => {
    for (const list of ['addresses', 'notReadyAddresses'] as const) {
      eachAt(`${path}.${list}`, subset[list], (at, { ip }) => void warnings.push(...warnAboutAddress(`${at}.ip`, ip)));
    }
  });
  return warnings;
}

export const endpoints: KindBehaviour<Endpoints> = {
  shortNames: ['ep'],
  singular: 'endpoints',
  defaults(draft) {
    for (const subset of draft.subsets ?? []) for (const port of subset.ports ?? []) port.protocol ||= 'TCP';
  },
  validateCreate: object => validateEndpoints(object),

  validateUpdate: validateEndpoints,
  warnings: warnAboutAddresses,
  columns: [nameColumn, text('Endpoints', 'Addresses and ports that serve.', formatEndpoints), ageColumn],
  createOnUpdate: true,
};
