/** Made-up documentation: the same sentences for the same seed, as long as what generators of definitions copy from source code. */

const words = (
  'the controller reads this value when it starts and whenever the owner changes it unless another field says otherwise ' +
  'names of secrets must be in the namespace of the object empty means that no limit applies a list is kept in the order it was ' +
  'written and each entry is tried until one answers see also template selector timeout policy issuer route target weight'
).split(' ');

/** Gives sentences of about `length` words each, one after another. */
export function createSentences(seed: number, length: number): () => string {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0; // the generator of Numerical Recipes: any would do
    return state >>> 16;
  };
  return () => {
    const count = Math.ceil(length / 2) + (next() % length);
    const text = Array.from(
      { length: count },
      (_, i) => `${words[next() % words.length]}${i % 9 === 8 ? '\n' : ' '}`,
    ).join('');
    return `${text[0]!.toUpperCase()}${text.slice(1).trimEnd()}.`;
  };
}
