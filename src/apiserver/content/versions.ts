import type { HorizontalPodAutoscaler, HorizontalPodAutoscalerV1, Kind, Scheme, UnknownObject } from '#api';
import { apiVersionOf, autoscalerToV1, autoscalerToV2 } from '#api';

/** Some resources are served in several versions and stored in one: this says in which, by storage prefix. Others are stored in the first of their kinds. */
const storedVersions: Readonly<Record<string, string>> = {
  events: 'v1',
  horizontalpodautoscalers: 'autoscaling/v2',
};

/** The version in which a kind is stored. */
export function storageKindOf(scheme: Scheme, kind: Kind): Kind {
  const same = scheme.kinds().filter(other => other.storagePrefix === kind.storagePrefix);
  const wanted = storedVersions[kind.storagePrefix];
  return same.find(other => apiVersionOf(other) === wanted) ?? same[0] ?? kind;
}

/** Turns an object into another version of its kind. Returns a new object when something has to change, and never changes the given one. */
export function toVersion(object: UnknownObject, kind: Kind): UnknownObject {
  const apiVersion = apiVersionOf(kind);
  if (object.apiVersion === apiVersion) return object;
  const convert = converters[`${object.apiVersion} ${apiVersion} ${kind.kind}`];
  return convert ? convert(object, apiVersion) : { ...object, apiVersion };
}

type Converter = (object: UnknownObject, apiVersion: string) => UnknownObject;

/** Names that differ between core/v1 and events.k8s.io/v1. */
const eventNames: readonly (readonly [string, string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

function rename(
  object: UnknownObject,
  apiVersion: string,
  names: readonly (readonly [string, string])[],
): UnknownObject {
  const map = new Map(names);
  const entries = Object.entries(object).map(([name, value]) => [map.get(name) ?? name, value] as const);
  return { ...(Object.fromEntries(entries) as UnknownObject), apiVersion };
}

const converters: Readonly<Record<string, Converter>> = {
  'autoscaling/v2 autoscaling/v1 HorizontalPodAutoscaler': object =>
    autoscalerToV1(object as unknown as HorizontalPodAutoscaler) as unknown as UnknownObject,
  'autoscaling/v1 autoscaling/v2 HorizontalPodAutoscaler': object =>
    autoscalerToV2(object as unknown as HorizontalPodAutoscalerV1) as unknown as UnknownObject,
  'v1 events.k8s.io/v1 Event': (object, apiVersion) => rename(object, apiVersion, eventNames),
  'events.k8s.io/v1 v1 Event': (object, apiVersion) =>
    rename(
      object,
      apiVersion,
      eventNames.map(([core, group]) => [group, core] as const),
    ),
};
