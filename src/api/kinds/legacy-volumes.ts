import type { FieldError } from '../kind.ts';
import type { Volume } from '../types.ts';
import { invalid, rangeMessage, required } from './field-error.ts';

type Rule = (errors: FieldError[], path: string, given: { volume: Volume }) => void;

/** A rule that demands some members. */
function needs(kind: keyof Volume, ...members: string[]): Rule {
  return (errors, path, { volume }) => {
    const source = volume[kind] as unknown as Record<string, unknown>;
    for (const member of members) {
      const value = source[member];
      if (value === undefined || value === '' || (Array.isArray(value) && value.length === 0)) {
        errors.push(required(`${path}.${member}`));
      }
    }
  };
}

function checkPartition(errors: FieldError[], path: string, partition: number | undefined): void {
  if (partition !== undefined && (partition < 0 || partition > 255)) {
    errors.push(invalid(`${path}.partition`, partition, rangeMessage(1, 255)));
  }
}

/** In-tree storage of the past: only that the members without which it means nothing are there. */
export const legacyVolumeRules: Readonly<Record<string, Rule>> = {
  azureDisk: needs('azureDisk', 'diskName', 'diskURI'),
  azureFile: needs('azureFile', 'secretName', 'shareName'),
  cephfs: needs('cephfs', 'monitors'),
  cinder: needs('cinder', 'volumeID'),
  flexVolume: needs('flexVolume', 'driver'),
  glusterfs: needs('glusterfs', 'endpoints', 'path'),
  photonPersistentDisk: needs('photonPersistentDisk', 'pdID'),
  portworxVolume: needs('portworxVolume', 'volumeID'),
  quobyte: needs('quobyte', 'registry', 'volume'),
  rbd: needs('rbd', 'monitors', 'image'),
  scaleIO: needs('scaleIO', 'gateway', 'system', 'volumeName'),
  vsphereVolume: needs('vsphereVolume', 'volumePath'),
  awsElasticBlockStore(errors, path, given) {
    needs('awsElasticBlockStore', 'volumeID')(errors, path, given);
    checkPartition(errors, path, given.volume.awsElasticBlockStore!.partition);
  },
  gcePersistentDisk(errors, path, given) {
    needs('gcePersistentDisk', 'pdName')(errors, path, given);
    checkPartition(errors, path, given.volume.gcePersistentDisk!.partition);
  },
  flocker(errors, path, { volume }) {
    const { datasetName, datasetUUID } = volume.flocker!;
    if (!datasetName && !datasetUUID) {
      errors.push(required(path, 'one of datasetName and datasetUUID is required'));
    } else if (datasetName && datasetUUID) {
      errors.push(invalid(path, 'resource', 'datasetName and datasetUUID can not be specified simultaneously'));
    }
  },
  fc(errors, path, { volume }) {
    const { targetWWNs = [], wwids = [], lun } = volume.fc!;
    const field = `${path}.targetWWNs`;
    if (targetWWNs.length === 0 && wwids.length === 0) {
      errors.push(required(field, 'must specify either targetWWNs or wwids, but not both'));
    } else if (targetWWNs.length > 0 && wwids.length > 0) {
      errors.push(invalid(field, targetWWNs, 'targetWWNs and wwids can not be specified simultaneously'));
    }
    if (targetWWNs.length > 0 && lun === undefined) {
      errors.push(required(`${path}.lun`, 'lun is required if targetWWNs is specified'));
    }
  },
  iscsi(errors, path, given) {
    needs('iscsi', 'targetPortal', 'iqn')(errors, path, given);
    const { iqn, lun } = given.volume.iscsi!;
    if (iqn && !/^(?:iqn|eui|naa)/.test(iqn)) {
      errors.push(invalid(`${path}.iqn`, iqn, 'must be valid format starting with iqn, eui, or naa'));
    }
    if (lun < 0 || lun > 255) errors.push(invalid(`${path}.lun`, lun, rangeMessage(0, 255)));
  },
};
