import { formatTime } from '#base';
import type { KindBehaviour, KindContext } from '../../kind.ts';
import type { CustomResourceDefinition } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { createdAtColumn, nameColumn } from '../columns.ts';
import { validateDefinition, validateDefinitionStatus, validateDefinitionUpdate } from './definition-rules.ts';
import { definitionWarnings } from './definition-warnings.ts';

const strategy = specStrategy<CustomResourceDefinition>();

function defaults(draft: CustomResourceDefinition): void {
  const { spec } = draft;
  if (spec.names) {
    spec.names.singular ||= (spec.names.kind ?? '').toLowerCase();
    if (spec.names.kind) spec.names.listKind ||= `${spec.names.kind}List`;
  }
  spec.conversion ??= { strategy: 'None' };
  const service = spec.conversion.webhook?.clientConfig?.service;
  if (service) service.port ??= 443;
}

/** Versions in which objects may be stored: once stored, a version is remembered until it is migrated. */
function rememberStored(draft: CustomResourceDefinition): void {
  const stored = draft.spec.versions?.find(version => version.storage)?.name;
  draft.status ??= {};
  const known = draft.status.storedVersions ?? [];
  draft.status.storedVersions = stored && !known.includes(stored) ? [...known, stored] : known;
}

const cleanupFinalizer = 'customresourcecleanup.apiextensions.k8s.io';

/** Its instances go first. Source: registry/customresourcedefinition/etcd.go. */
function holdForInstances(draft: CustomResourceDefinition, { nowMs }: KindContext): void {
  draft.metadata.finalizers = [...new Set([...(draft.metadata.finalizers ?? []), cleanupFinalizer])];
  draft.metadata.deletionTimestamp ??= formatTime(nowMs);
  const others = draft.status?.conditions?.filter(({ type }) => type !== 'Terminating') ?? [];
  const terminating = {
    type: 'Terminating',
    status: 'True',
    lastTransitionTime: formatTime(nowMs),
    reason: 'InstanceDeletionPending',
    message: 'CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon',
  };
  draft.status = { ...draft.status, conditions: [...others, terminating] };
}

export const customResourceDefinition: KindBehaviour<CustomResourceDefinition> = {
  shortNames: ['crd', 'crds'],
  categories: ['api-extensions'],
  defaults,
  prepareCreate(draft, context) {
    strategy.prepareCreate(draft, context);
    rememberStored(draft);
  },
  prepareUpdate(draft, old, context) {
    strategy.prepareUpdate(draft, old, context);
    if (draft.status) draft.status = { ...draft.status };
    rememberStored(draft);
  },
  prepareSubresource(draft, old, subresource, context) {
    strategy.prepareSubresource(draft, old, subresource, context);
    const { resourceVersion, managedFields } = draft.metadata;
    draft.metadata = { ...old.metadata, resourceVersion, managedFields };
  },
  prepareDelete: holdForInstances,
  validateCreate: validateDefinition,
  validateUpdate: validateDefinitionUpdate,
  validateSubresource: object => validateDefinitionStatus(object),
  warnings: (object, old) => definitionWarnings(object, old),
  columns: [nameColumn, createdAtColumn],
  unconditionalUpdate: false,
};
