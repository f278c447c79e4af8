import type { KubeObject, Pod } from '#api';

type Scalable = KubeObject & { spec?: { replicas?: number }; status?: { replicas?: number } };

/** The subresources that components use, beside `status` and `finalize`, which are updates of a part. */
export const subresources = {
  read(object: KubeObject, subresource: string): KubeObject {
    if (subresource === 'status') return object;
    if (subresource !== 'scale') throw new Error(`the fake client cannot read ${subresource}`);
    const { spec, status, metadata } = object as Scalable;
    const { name, namespace, uid, resourceVersion, creationTimestamp } = metadata;
    return {
      apiVersion: 'autoscaling/v1',
      kind: 'Scale',
      metadata: { name, namespace, uid, resourceVersion, creationTimestamp },
      ...{ spec: { replicas: spec?.replicas ?? 0 }, status: { replicas: status?.replicas ?? 0 } },
    };
  },

  /** The object with the replicas of a Scale. */
  scale(object: KubeObject, scale: KubeObject): KubeObject {
    const generation = (object.metadata.generation ?? 0) + 1;
    const { spec } = object as Scalable;
    const replicas = (scale as Scalable).spec?.replicas ?? 0;
    return { ...object, metadata: { ...object.metadata, generation }, spec: { ...spec, replicas } } as KubeObject;
  },

  create(
    parent: KubeObject,
    body: KubeObject,
    subresource: string,
  ): { changed?: KubeObject | 'deleted'; answer: KubeObject } {
    if (subresource === 'eviction') return { changed: 'deleted', answer: body };
    if (subresource === 'binding') {
      const target = (body as KubeObject & { target: { name: string } }).target.name;
      const pod = parent as Pod;
      const conditions = [...(pod.status?.conditions ?? []), { type: 'PodScheduled', status: 'True' }];
      const changed = { ...pod, spec: { ...pod.spec, nodeName: target }, status: { ...pod.status, conditions } };
      return { changed, answer: body };
    }
    if (subresource === 'token') {
      const { name, namespace } = parent.metadata;
      const status = { token: `token-of-${namespace}-${name}`, expirationTimestamp: '2100-01-01T00:00:00Z' };
      return { answer: { ...body, status } as KubeObject };
    }
    throw new Error(`the fake client cannot create ${subresource}`);
  },
};
