import type { Column, KindBehaviour } from '../../kind.ts';
import type { StatefulSet } from '../../types.ts';
import { specStrategy } from '../behaviour.ts';
import { ageColumn, containerColumns, nameColumn, text } from '../columns.ts';
import { eachAt } from '../paths.ts';
import { defaultPodTemplate } from '../pod-defaults.ts';
import { warnAboutClaimSpec } from '../storage-warnings.ts';
import { templateOnlyWarnings } from '../template-warnings.ts';
import { defaultClaimSpec } from '../volume-defaults.ts';
import { validateStatefulSet, validateStatefulSetStatus, validateStatefulSetUpdate } from './stateful-set-rules.ts';

function defaults(draft: StatefulSet): void {
  const spec = draft.spec;
  spec.podManagementPolicy ||= 'OrderedReady';
  spec.updateStrategy ??= {};
  if (!spec.updateStrategy.type) {
    spec.updateStrategy.type = 'RollingUpdate';
    spec.updateStrategy.rollingUpdate ??= {};
  }
  if (spec.updateStrategy.type === 'RollingUpdate' && spec.updateStrategy.rollingUpdate) {
    spec.updateStrategy.rollingUpdate.partition ??= 0;
  }
  spec.persistentVolumeClaimRetentionPolicy ??= {};
  spec.persistentVolumeClaimRetentionPolicy.whenDeleted ||= 'Retain';
  spec.persistentVolumeClaimRetentionPolicy.whenScaled ||= 'Retain';
  spec.replicas ??= 1;
  spec.revisionHistoryLimit ??= 10;
  defaultPodTemplate(spec.template);
  for (const claim of spec.volumeClaimTemplates ?? []) {
    claim.apiVersion ??= 'v1';
    claim.kind ??= 'PersistentVolumeClaim';
    claim.spec ??= {};
    defaultClaimSpec(claim.spec);
    claim.status ??= {};
    claim.status.phase ||= 'Pending';
  }
}

const columns: readonly Column<StatefulSet>[] = [
  nameColumn,
  text('Ready', 'Number of the pod with ready state', o => `${o.status?.readyReplicas ?? 0}/${o.spec.replicas ?? 0}`),
  ageColumn,
  ...containerColumns<StatefulSet>(o => o.spec.template),
];

const templateWarnings = templateOnlyWarnings<StatefulSet>(o => o.spec.template);

/** Upstream's paths, which differ between a create and an update. */
function warnAboutClaims({ spec }: StatefulSet, old: StatefulSet | undefined): string[] {
  const warnings: string[] = [];
  eachAt('spec.volumeClaimTemplates', spec.volumeClaimTemplates, (at, claim) => {
    warnings.push(...warnAboutClaimSpec(old ? `${at}.Spec` : at, claim.spec));
  });
  return warnings;
}

function warnAboutHistory({ spec }: StatefulSet): string[] {
  if ((spec.revisionHistoryLimit ?? 0) >= 0) return [];
  const text = 'a negative value retains all historical revisions; a value >= 0 is recommended';
  return [`spec.revisionHistoryLimit: ${text}`];
}

export const statefulSet: KindBehaviour<StatefulSet> = {
  shortNames: ['sts'],
  categories: ['all'],
  nameRule: 'label',
  defaults,
  ...specStrategy<StatefulSet>(),
  validateCreate: validateStatefulSet,
  validateUpdate: validateStatefulSetUpdate,
  validateSubresource: validateStatefulSetStatus,
  warnings: (object, old) => [
    ...templateWarnings(object, old),
    ...warnAboutClaims(object, old),
    ...warnAboutHistory(object),
  ],
  columns,
};
