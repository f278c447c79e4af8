import type { FieldError, UnknownObject } from '#api';
import { createPace, isCustomKind, TooLong, validateMetadata, validateMetadataUpdate } from '#api';
import { textOf } from './breathe.ts';
import type { Target } from './target.ts';

/** What is wrong with an object, and what to warn of although it is let be, beside the warnings of its kind. */
export interface Judgement {
  readonly errors: FieldError[];
  readonly warnings: string[];
}

/** By the rules of its kind, here if that takes no longer than a turn of the event loop may, else in the worker thread. */
export async function judgeNew(target: Target, draft: UnknownObject): Promise<Judgement> {
  const { kind } = target;
  const { behaviour, namespaced } = kind;
  const metadata = validateMetadata(draft.metadata, { namespaced, nameRule: behaviour.nameRule });
  const own = await judge(target, { draft, old: undefined, subresource: '' }, pace =>
    behaviour.validateCreate?.(draft, pace),
  );
  return { errors: [...metadata, ...own.errors], warnings: own.warnings };
}

/** The same for a change. */
export async function judgeChange(target: Target, draft: UnknownObject, old: UnknownObject): Promise<Judgement> {
  const { kind, subresource } = target;
  const { behaviour } = kind;
  const metadata = validateMetadataUpdate(draft.metadata, old.metadata);
  const isWhole = subresource === '' || (subresource === 'scale' && isCustomKind(kind));
  const part = isWhole ? '' : subresource;
  const own = await judge(target, { draft, old, subresource: part }, pace =>
    isWhole ? behaviour.validateUpdate?.(draft, old, pace) : behaviour.validateSubresource?.(draft, old, part, pace),
  );
  return { errors: [...metadata, ...own.errors], warnings: own.warnings };
}

interface Parts {
  readonly draft: UnknownObject;
  readonly old: UnknownObject | undefined;
  /** Empty for the whole object. */
  readonly subresource: string;
}

async function judge(
  target: Target,
  parts: Parts,
  here: (pace: ReturnType<typeof createPace>) => FieldError[] | undefined,
): Promise<Judgement> {
  const { core, exchange, kind } = target;
  const { draft, old, subresource } = parts;
  try {
    const errors = here(createPace(core.clock.monotonicMs)) ?? [];
    return { errors, warnings: [] };
  } catch (error) {
    if (!(error instanceof TooLong)) throw error;
  }
  const texts = { object: await textOf(target, draft), old: old && (await textOf(target, old)) };
  if (!isCustomKind(kind)) {
    const { errors } = await core.threads.run('definition', texts, exchange.user.name);
    return { errors, warnings: [] };
  }
  const { custom } = kind;
  const isStatus = subresource === 'status';
  const input = { ...texts, schema: custom.schemaText(), scale: custom.scale, isStatus };
  return core.threads.run('custom', input, exchange.user.name);
}
