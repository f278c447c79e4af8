import { createHash } from 'node:crypto';
import { resources } from '#api';
import { type Client, isAlreadyExists, isNotFound } from '#client';

/** Remembers, in a Secret a node, which key first joined under a name: another machine cannot take the name over. */
export interface NodeNames {
  /** Called once, when the API answers. */
  open(client: Client): void;
  /** Undefined when the name is free or was this key's; else why it cannot be had. */
  claim(nodeName: string, publicKey: string): Promise<string | undefined>;
}

const namespace = 'kube-system';

export function createNodeNames(): NodeNames {
  const opened = Promise.withResolvers<Client>();
  return {
    open: client => opened.resolve(client),
    async claim(nodeName, publicKey) {
      const client = await opened.promise;
      const name = `${nodeName}.node-key.wherry`;
      const wanted = createHash('sha256').update(publicKey).digest('hex');
      const read = async () => {
        const secret = await client.get(resources.secrets, { namespace, name });
        return Buffer.from(secret.data?.['hash'] ?? '', 'base64').toString();
      };
      const refuse = `the node name ${nodeName} belongs to another machine; join under another --node-name, or delete the Secret ${namespace}/${name} when that machine is gone`;
      try {
        return (await read()) === wanted ? undefined : refuse;
      } catch (error) {
        if (!isNotFound(error)) throw error;
      }
      try {
        const data = { hash: Buffer.from(wanted).toString('base64') };
        await client.create(resources.secrets, {
          apiVersion: 'v1',
          kind: 'Secret',
          metadata: { name, namespace },
          type: 'Opaque',
          data,
        } as never);
        return undefined;
      } catch (error) {
        if (!isAlreadyExists(error)) throw error;
        return (await read()) === wanted ? undefined : refuse;
      }
    },
  };
}
