import type { Service } from '#api';

/** The variables that tell containers of services, Docker links included. Source: upstream's pkg/kubelet/envvars. */
export function serviceEnv(services: readonly Service[]): Map<string, string> {
  const env = new Map<string, string>();
  for (const service of services) for (const [name, value] of variablesOf(service)) env.set(name, value);
  return env;
}

/** The services that a pod hears of: those of its namespace, and the API server's; headless ones have no address to tell. */
export function visibleServices(
  services: readonly Service[],
  namespace: string,
  enableServiceLinks: boolean,
): Service[] {
  const addressed = services.filter(({ spec }) => spec?.clusterIP && spec.clusterIP !== 'None');
  const isApiServer = ({ metadata }: Service) => metadata.namespace === 'default' && metadata.name === 'kubernetes';
  const own = addressed.filter(one => enableServiceLinks && one.metadata.namespace === namespace && !isApiServer(one));
  // The pod's own services come last: one of the same name hides the API server.
  return [...addressed.filter(isApiServer), ...own];
}

function variablesOf({ metadata, spec }: Service): [string, string][] {
  const prefix = metadata.name.toUpperCase().replaceAll('-', '_');
  const ip = spec!.clusterIP!;
  const ports = spec!.ports ?? [];
  const [first] = ports;
  if (!first) return [];
  const host = ip.includes(':') ? `[${ip}]` : ip;
  const url = (protocol: string | undefined, port: number) => `${(protocol ?? 'TCP').toLowerCase()}://${host}:${port}`;
  return [
    [`${prefix}_SERVICE_HOST`, ip],
    [`${prefix}_SERVICE_PORT`, String(first.port)],
    ...ports
      .filter(port => port.name)
      .map(
        port =>
          [`${prefix}_SERVICE_PORT_${port.name!.toUpperCase().replaceAll('-', '_')}`, String(port.port)] as [
            string,
            string,
          ],
      ),
    [`${prefix}_PORT`, url(first.protocol, first.port)],
    ...ports.flatMap(({ protocol = 'TCP', port }): [string, string][] => {
      const link = `${prefix}_PORT_${port}_${protocol.toUpperCase()}`;
      return [
        [link, url(protocol, port)],
        [`${link}_PROTO`, protocol.toLowerCase()],
        [`${link}_PORT`, String(port)],
        [`${link}_ADDR`, ip],
      ];
    }),
  ];
}
