import type { MutatingWebhook, ValidatingWebhook } from '#api';
import { resources } from '#api';
import type { ObjectReader } from '../../reader.ts';

/** `mutating` hooks are called one after the other while the object can be changed, `validating` ones all at once at the end. */
export type HookType = 'mutating' | 'validating';

/** One webhook of one configuration. */
export interface Hook {
  /** Tells hooks apart, also two of one name in different configurations: `configuration/name/0`. */
  readonly id: string;
  readonly configuration: string;
  readonly type: HookType;
  /** Validating ones have no reinvocationPolicy, else both are the same. Defaults are filled in. */
  readonly webhook: MutatingWebhook & ValidatingWebhook;
}

/** All hooks of a type as they are stored at this moment. */
export interface Configurations extends Disposable {
  /** By name of the configuration, then in the order in which they stand in it. */
  hooks(): readonly Hook[];
}

/** Follows the store: a write that was answered counts for the next request. */
export function createConfigurations(reader: ObjectReader, type: HookType): Configurations {
  const resource =
    type === 'mutating' ? resources.mutatingwebhookconfigurations : resources.validatingwebhookconfigurations;
  let hooks: readonly Hook[] | undefined;
  const watch = reader.onChange(resource, () => {
    hooks = undefined;
  });
  return {
    hooks: () => {
      hooks ??= reader
        .list(resource)
        .toSorted(byName)
        .flatMap(configuration => hooksOf(configuration, type));
      return hooks;
    },
    [Symbol.dispose]: () => watch[Symbol.dispose](),
  };
}

interface Configuration {
  readonly metadata: { readonly name: string };
  readonly webhooks?: readonly MutatingWebhook[] | readonly ValidatingWebhook[] | undefined;
}

function byName(left: Configuration, right: Configuration): number {
  return left.metadata.name < right.metadata.name ? -1 : 1;
}

function hooksOf({ metadata, webhooks = [] }: Configuration, type: HookType): Hook[] {
  const seen = new Map<string, number>();
  return webhooks.map(webhook => {
    const count = seen.get(webhook.name) ?? 0;
    seen.set(webhook.name, count + 1);
    return { id: `${metadata.name}/${webhook.name}/${count}`, configuration: metadata.name, type, webhook };
  });
}
