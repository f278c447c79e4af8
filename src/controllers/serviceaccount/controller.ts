import { resources } from '#api';
import type { ControllerSpec } from '../controller.ts';
import { startPerNamespace } from './per-namespace.ts';
import { startTokens } from './tokens.ts';

const { namespaces, serviceaccounts, configmaps, secrets } = resources;

/** The account of pods that name none, in every namespace. */
export const serviceaccount: ControllerSpec = {
  name: 'serviceaccount',
  serviceAccount: 'service-account-controller',
  reads: [namespaces, serviceaccounts],
  writes: [{ resource: serviceaccounts, verbs: ['create'] }],
  start: deps =>
    startPerNamespace(deps, {
      name: 'serviceaccount',
      resource: serviceaccounts,
      objectName: 'default',
      build: namespace => ({ metadata: { name: 'default', namespace } }),
    }),
};

const caName = 'kube-root-ca.crt';
const caAnnotations = {
  'kubernetes.io/description':
    'Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or ' +
    'kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.',
};

/** What pods verify the API server by, in every namespace. */
export const rootCaPublisher: ControllerSpec = {
  name: 'root-ca-certificate-publisher',
  serviceAccount: 'root-ca-cert-publisher',
  reads: [namespaces, configmaps],
  writes: [{ resource: configmaps, verbs: ['create', 'update'] }],
  start(deps) {
    const data = { 'ca.crt': deps.config.rootCa };
    return startPerNamespace(deps, {
      name: 'root-ca-certificate-publisher',
      resource: configmaps,
      objectName: caName,
      build: namespace => ({ metadata: { name: caName, namespace, annotations: caAnnotations }, data }),
      repair(object) {
        const right = object.data?.['ca.crt'] === deps.config.rootCa && Object.keys(object.data).length === 1;
        return right ? undefined : { ...object, data };
      },
    });
  },
};

/** Fills secrets of type kubernetes.io/service-account-token, and removes them with their account. */
export const serviceaccountToken: ControllerSpec = {
  name: 'serviceaccount-token',
  reads: [serviceaccounts, secrets],
  writes: [{ resource: secrets, verbs: ['update', 'delete'] }],
  start: startTokens,
};
