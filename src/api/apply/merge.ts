import { isObject } from '../patch/merge.ts';
import { isSame } from './compare.ts';
import { keyOf, type ListShape, type MapShape, resolve, type Shape, safeKeyOf } from './shapes.ts';

type Fields = Record<string, unknown>;

/**
 * Lays an applied configuration over the live value: what it does not mention stays. Neither is changed; the result shares parts with both, and is the live
 * value itself when nothing differs. The configuration must be valid (`typeProblems`). Source: structured-merge-diff, typed/merge.go.
 */
export function mergeApplied(live: unknown, config: unknown, shape: Shape): unknown {
  if (live === undefined || config === undefined) return config ?? live;
  const known = resolve(shape, config);
  if (known.kind === 'map' && !known.isAtomic && isObject(config)) return mergeMaps(live, config, known);
  if (known.kind === 'list' && known.by !== 'index' && Array.isArray(config)) return mergeLists(live, config, known);
  return isSame(live, config) ? live : config;
}

function mergeMaps(live: unknown, config: Fields, shape: MapShape): unknown {
  if (!isObject(live)) return config;
  let result: Fields | undefined;
  for (const name in config) {
    const part = shape.partOf(name);
    if (!part || config[name] === undefined) continue;
    const old = Object.hasOwn(live, name) ? live[name] : undefined;
    const merged = mergeApplied(old, config[name], part);
    if (merged === old) continue;
    result ??= { ...live };
    if (name === '__proto__') Object.defineProperty(result, name, { value: merged, enumerable: true, writable: true });
    else result[name] = merged;
  }
  return result ?? live;
}

/** One list being laid over another: items by key, in both orders. */
class ListMerge {
  readonly #shape: ListShape;
  readonly #live: readonly unknown[];
  readonly #liveKeys: readonly string[];
  readonly #configKeys: readonly string[];
  readonly #observedLive = new Map<string, unknown>();
  readonly #observedConfig = new Map<string, unknown>();
  readonly #done = new Set<string>();
  /** Keys of both lists that are still to come, in the order of the configuration. */
  readonly #shared: string[];
  readonly #out: unknown[] = [];

  constructor(live: readonly unknown[], config: readonly unknown[], shape: ListShape) {
    this.#shape = shape;
    this.#live = live;
    this.#liveKeys = live.map((item, index) => safeKeyOf(item, index, shape));
    this.#configKeys = config.map((item, index) => keyOf(item, index, shape));
    this.#liveKeys.forEach((key, index) => {
      // Items that stand there twice are not merged with what is applied: it takes their place.
      this.#observedLive.set(key, this.#observedLive.has(key) ? undefined : live[index]);
    });
    for (const [index, key] of this.#configKeys.entries()) this.#observedConfig.set(key, config[index]);
    this.#shared = this.#configKeys.filter(key => this.#observedLive.has(key));
  }

  /** Applied items in their order; live ones that are not applied stay near those that they stood beside. */
  run(): unknown[] {
    let [left, right] = [0, 0];
    while (left < this.#liveKeys.length || right < this.#configKeys.length) {
      const liveKey = this.#liveKeys[left];
      const configKey = this.#configKeys[right];
      if (liveKey !== undefined && liveKey === configKey) {
        this.#take(liveKey);
        this.#shared.shift();
        left++;
        right++;
      } else if (this.#isLater(liveKey, configKey)) {
        left++;
      } else if (liveKey !== undefined && !this.#observedConfig.has(liveKey)) {
        this.#out.push(this.#live[left++]);
      } else {
        if (liveKey !== undefined && this.#done.has(liveKey)) left++;
        if (configKey === undefined) continue;
        this.#take(configKey);
        if (this.#shared[0] === configKey) this.#shared.shift();
        right++;
      }
    }
    return this.#out;
  }

  /** An item of both lists whose turn in the configuration is not now. */
  #isLater(liveKey: string | undefined, configKey: string | undefined): boolean {
    if (liveKey === undefined || configKey === undefined || !this.#observedConfig.has(liveKey)) return false;
    return this.#shared.length > 0 && this.#shared[0] !== liveKey;
  }

  #take(key: string): void {
    this.#done.add(key);
    this.#out.push(mergeApplied(this.#observedLive.get(key), this.#observedConfig.get(key), this.#shape.item()));
  }
}

function mergeLists(live: unknown, config: readonly unknown[], shape: ListShape): unknown {
  if (!Array.isArray(live)) return config;
  const out = new ListMerge(live, config, shape).run();
  const isUnchanged = out.length === live.length && out.every((item, index) => item === live[index]);
  return isUnchanged ? live : out;
}
