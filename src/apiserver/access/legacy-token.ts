import type { Secret } from '#api';
import type { Clock } from '#base';

/** Labels of Secrets that hold tokens (KEP-2799). */
export const legacyTokenLabels = {
  lastUsed: 'kubernetes.io/legacy-token-last-used',
  invalidSince: 'kubernetes.io/legacy-token-invalid-since',
} as const;

const dayMs = 24 * 60 * 60 * 1000;

/**
 * What is asked at every use of a token in a Secret. Throws for one that is labelled as invalid. Tells `noteUse` when the label of the last use is not of
 * today (or of tomorrow: another server's clock); once a day and token, however often it is used.
 */
export function createLegacyChecks(options: {
  clock: Clock;
  noteUse?: ((secret: Secret, day: string) => void) | undefined;
}): (secret: Secret, serviceAccount: string) => void {
  let noted = '';
  return (secret, serviceAccount) => {
    const { namespace, name, labels = {} } = secret.metadata;
    if (labels[legacyTokenLabels.invalidSince]) {
      throw new Error(
        `the token in secret ${namespace}/${name} for service account ${namespace}/${serviceAccount} has been marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove the '${legacyTokenLabels.invalidSince}' label from the secret to temporarily allow use of this token`,
      );
    }
    const nowMs = options.clock.now();
    const [today, tomorrow] = [dayOf(nowMs), dayOf(nowMs + dayMs)];
    const lastUsed = labels[legacyTokenLabels.lastUsed];
    if (noted === today || lastUsed === today || lastUsed === tomorrow) return;
    noted = today;
    options.noteUse?.(secret, today);
  };
}

function dayOf(epochMs: number): string {
  return new Date(epochMs).toISOString().slice(0, 10);
}
