import type { FieldError } from '#api';
import { isTrue } from '#wire';
import { badRequest, invalidOptions } from '../errors.ts';
import { readOptions } from './read-object.ts';
import type { Target } from './target.ts';
import { checkDryRun } from './write-options.ts';

/** How something is to be deleted; from the body, or without one from the query (as upstream). */
export interface DeleteOptions {
  readonly dryRun: boolean;
  readonly gracePeriodSeconds: number | undefined;
  readonly propagationPolicy: 'Orphan' | 'Background' | 'Foreground' | undefined;
  /** True when the deprecated orphanDependents said that dependents are to go: then the answer says 202 while they do. */
  readonly saidCascade: boolean;
  readonly preconditions: { uid?: string; resourceVersion?: string } | undefined;
}

interface Raw {
  dryRun?: string[];
  gracePeriodSeconds?: number;
  propagationPolicy?: string;
  orphanDependents?: boolean;
  preconditions?: { uid?: string; resourceVersion?: string };
}

const policies = ['Foreground', 'Background', 'Orphan'];

/** Throws 400 and 422. */
export async function readDeleteOptions(target: Target): Promise<DeleteOptions> {
  const body = await readOptions(target, { group: '', version: 'v1', kind: 'DeleteOptions' });
  const raw = (body as Raw | undefined) ?? fromQuery(target.exchange.info.query);
  const errors: FieldError[] = [];
  checkDryRun(errors, raw.dryRun ?? []);
  checkPolicy(errors, raw);
  if (errors.length > 0) throw invalidOptions('DeleteOptions', errors);
  const orphan = raw.orphanDependents;
  const policy = raw.propagationPolicy ?? (orphan === undefined ? undefined : orphan ? 'Orphan' : 'Background');
  return {
    dryRun: (raw.dryRun ?? []).length > 0,
    gracePeriodSeconds: raw.gracePeriodSeconds ?? undefined,
    propagationPolicy: policy as DeleteOptions['propagationPolicy'],
    saidCascade: orphan === false,
    preconditions: raw.preconditions ?? undefined,
  };
}

function fromQuery(query: URLSearchParams): Raw {
  const grace = query.get('gracePeriodSeconds');
  if (grace !== null && !/^-?\d+$/.test(grace))
    throw badRequest(`strconv.ParseInt: parsing "${grace}": invalid syntax`);
  const policy = query.get('propagationPolicy');
  const dryRun = query.getAll('dryRun');
  return {
    ...(dryRun.length > 0 ? { dryRun } : {}),
    ...(grace === null ? {} : { gracePeriodSeconds: Number(grace) }),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...(query.has('orphanDependents') ? { orphanDependents: isTrue(query.get('orphanDependents')) } : {}),
  };
}

function checkPolicy(errors: FieldError[], raw: Raw): void {
  const { propagationPolicy: policy, orphanDependents } = raw;
  const field = 'propagationPolicy';
  if (policy !== undefined && orphanDependents !== undefined && orphanDependents !== null) {
    const message = `Invalid value: "${policy}": orphanDependents and deletionPropagation cannot be both set`;
    errors.push({ reason: 'FieldValueInvalid', field, message });
  }
  if (policy !== undefined && policy !== null && !policies.includes(policy)) {
    const values = [...policies, 'nil'].map(value => `"${value}"`).join(', ');
    const message = `Unsupported value: "${policy}": supported values: ${values}`;
    errors.push({ reason: 'FieldValueNotSupported', field, message });
  }
}
