import type { ReplicaSet, ReplicationController } from '#api';
import { resources } from '#api';
import type { ControllerSpec } from '../controller.ts';
import { startReplicas } from './replicas.ts';

const { pods, replicasets, replicationcontrollers } = resources;

const podWrites = { resource: pods, verbs: ['create', 'delete', 'patch'] } as const;

/** Keeps the pods of each ReplicaSet. */
export const replicaset: ControllerSpec = {
  name: 'replicaset',
  serviceAccount: 'replicaset-controller',
  reads: [replicasets, pods],
  writes: [podWrites, { resource: replicasets, verbs: ['update'], subresources: ['status'] }],
  start: deps =>
    startReplicas<ReplicaSet>(deps, {
      name: 'replicaset',
      resource: replicasets,
      selectorOf: set => set.spec.selector,
      countsTerminating: true,
    }),
};

/** Keeps the pods of each ReplicationController: the same work with an older selector. */
export const replicationcontroller: ControllerSpec = {
  name: 'replicationcontroller',
  serviceAccount: 'replication-controller',
  reads: [replicationcontrollers, pods],
  writes: [podWrites, { resource: replicationcontrollers, verbs: ['update'], subresources: ['status'] }],
  start: deps =>
    startReplicas<ReplicationController>(deps, {
      name: 'replicationcontroller',
      resource: replicationcontrollers,
      selectorOf: ({ spec }) => (spec.selector ? { matchLabels: spec.selector } : undefined),
      countsTerminating: false,
    }),
};
