import type { encryption } from '#apiserver';
import type { Random } from '#base';
import { type KeyRing, makeKey, type RotationStage } from './encryption-keys.ts';

/** What `wherry secrets-encrypt` can ask for; K3s' words. */
export const encryptionActions = ['enable', 'disable', 'prepare', 'rotate', 'reencrypt', 'rotate-keys'] as const;
export type EncryptionAction = (typeof encryptionActions)[number];

/** Out of order, or not possible now; the message says what comes first. */
export class EncryptionActionError extends Error {
  override readonly name = 'EncryptionActionError';
}

export interface ActionOptions {
  /** Do it though the stage is not the one before. */
  readonly isForced: boolean;
  /** Keep the old keys after the rewriting. */
  readonly keepsKeys: boolean;
}

export interface ActionDeps {
  readonly provider: encryption.ProviderName;
  readonly random: Random;
  readonly nowMs: number;
}

/** The stages from which a step may be taken. */
const allowedFrom: Readonly<Partial<Record<EncryptionAction, readonly RotationStage[]>>> = {
  prepare: ['start', 'reencrypt_finished'],
  rotate: ['prepare'],
  reencrypt: ['rotate'],
  'rotate-keys': ['start', 'reencrypt_finished'],
};

/**
 * The rings that one action goes through, in order; a ring after `rewrite` holds when everything has been written anew. Pure. Throws
 * EncryptionActionError when the action is out of order.
 */
export function planAction(
  ring: KeyRing,
  action: EncryptionAction,
  { isForced, keepsKeys, ...deps }: ActionOptions & ActionDeps,
): readonly (KeyRing | 'rewrite')[] {
  const stages = allowedFrom[action];
  if (stages && !isForced && !stages.includes(ring.stage)) {
    throw new EncryptionActionError(
      `${action} can follow the stage ${stages.join(' or ')}, and this is ${ring.stage}; --force does it anyway`,
    );
  }
  const finish = (from: KeyRing): readonly (KeyRing | 'rewrite')[] => {
    const keys = keepsKeys ? from.keys : from.keys.slice(0, 1);
    return ['rewrite', { ...from, stage: 'reencrypt_finished', keys }];
  };
  switch (action) {
    case 'enable':
      return [{ ...ring, isEnabled: true, stage: 'start' }];
    case 'disable':
      return [{ ...ring, isEnabled: false, stage: 'start' }];
    case 'prepare':
      return [prepare(ring, deps)];
    case 'rotate':
      return [rotate(ring)];
    case 'reencrypt':
      // Of a disabled ring no key is dropped: a copy of the data may need it.
      return ring.isEnabled ? finish(ring) : ['rewrite', { ...ring, stage: 'reencrypt_finished' }];
    case 'rotate-keys': {
      const prepared = prepare(ring, deps);
      const rotated = rotate(prepared);
      return [prepared, rotated, ...finish(rotated)];
    }
  }
}

/** A new key that can be read with, before anything is written with it: other servers must know it first. */
function prepare(ring: KeyRing, { provider, random, nowMs }: ActionDeps): KeyRing {
  if (!ring.isEnabled) throw new EncryptionActionError('encryption is disabled; enable it first');
  const [first, ...others] = ring.keys;
  return { ...ring, stage: 'prepare', keys: [first!, makeKey(provider, random, nowMs), ...others] };
}

function rotate(ring: KeyRing): KeyRing {
  const [first, next, ...others] = ring.keys;
  if (!next) throw new EncryptionActionError('there is no other key to rotate to; prepare makes one');
  return { ...ring, stage: 'rotate', keys: [next, first!, ...others] };
}
