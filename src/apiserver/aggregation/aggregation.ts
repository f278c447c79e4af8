import type { APIService, Scheme } from '#api';
import type { Clock, Log, Meter, Random } from '#base';
import type { Client } from '#client';
import type { Response } from '#wire';
import type { Exchange } from '../exchange.ts';
import type { ObjectReader } from '../reader.ts';
import { type ApiServices, followApiServices } from './api-services.ts';
import { startAvailability } from './availability-loop.ts';
import { type Backends, createBackends, type ProxyIdentity } from './backend.ts';
import { createDiscoveryMerge, type DiscoveryMerge } from './discovery.ts';
import { startDiscoveryCache } from './discovery-cache.ts';
import { createOpenApiMerge, type OpenApiMerge, startOpenApiCache } from './openapi.ts';
import { proxyToBackend } from './proxy.ts';
import { startRegistration } from './registration.ts';

export interface AggregationDeps {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meter: Meter;
  /** How this server shows itself to servers behind it; undefined: it does not, and they will not believe whom it names. */
  readonly identity: ProxyIdentity | undefined;
}

/** Other servers that serve parts of this API. */
export interface Aggregation extends AsyncDisposable {
  /** Answers what belongs to another server; undefined: it is served here, or by nobody. */
  readonly route: (exchange: Exchange) => Promise<Response> | undefined;
  readonly discovery: DiscoveryMerge;
  readonly openApi: OpenApiMerge;
  /** Begins to register what is served here and to check the others; `client` writes APIServices with all rights. Resolves when every built-in group version is registered (or could not be, which is tried again). */
  start(client: Pick<Client, 'create' | 'update' | 'delete'>, scheme: () => Scheme): Promise<void>;
}

/** Aggregation of other API servers, after upstream's kube-aggregator. Requests are proxied from the first; checks begin with `start`. */
export function createAggregation(deps: AggregationDeps): Aggregation {
  const { reader, clock, log, meter } = deps;
  const cleanup = new AsyncDisposableStack();
  const onChange: ((object: APIService, deleted: boolean) => void)[] = [];
  const services = cleanup.use(
    followApiServices(reader, (object, deleted) => {
      for (const tell of onChange) tell(object, deleted);
    }),
  );
  const backends = cleanup.use(createBackends(deps));
  const described = { services, backends, clock, log };
  const discovery = cleanup.use(startDiscoveryCache(described));
  const openApi = cleanup.use(startOpenApiCache(described));
  onChange.push(object => {
    if (!object.spec.service) return;
    discovery.poke(object);
    openApi.poke(object);
  });
  return {
    route: createProxyRoute({ services, backends, clock }),
    discovery: createDiscoveryMerge({ services, cache: discovery }),
    openApi: createOpenApiMerge({ services, cache: openApi }),
    start(client, scheme) {
      const availability = cleanup.use(startAvailability({ reader, services, backends, client, clock, log, meter }));
      const registration = cleanup.use(startRegistration({ reader, scheme, client, clock, log }));
      onChange.push(({ metadata }) => {
        availability.poke(metadata.name!);
        registration.poke(metadata.name!);
      });
      for (const object of services.all()) availability.poke(object.metadata.name!);
      for (const object of services.remotes()) {
        discovery.poke(object);
        openApi.poke(object);
      }
      return registration.complete;
    },
    [Symbol.asyncDispose]: () => cleanup.disposeAsync(),
  };
}

function createProxyRoute(parts: { services: ApiServices; backends: Backends; clock: Clock }): Aggregation['route'] {
  const { services } = parts;
  return exchange => {
    if (!services.hasRemotes) return undefined;
    const about = groupVersionIn(exchange);
    const service = about && services.remoteOf(about.group, about.version);
    return service && proxyToBackend(exchange, service, parts);
  };
}

const openApiPath = '/openapi/v3/';

/** Of the resource, or of a path that describes a group version: `/apis/<group>/<version>`, `/openapi/v3/apis/<group>/<version>`. */
function groupVersionIn({ info }: Exchange): { group: string; version: string } | undefined {
  if (info.isResource) return info;
  const path = info.path.startsWith(openApiPath) ? info.path.slice(openApiPath.length - 1) : info.path;
  const [root, ...parts] = path.split('/').filter(Boolean);
  if (root === 'api' && parts.length === 1) return { group: '', version: parts[0]! };
  if (root === 'apis' && parts.length === 2) return { group: parts[0]!, version: parts[1]! };
  return undefined;
}
