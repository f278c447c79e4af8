/**
 * Shuffle sharding: each flow has a hand of queues, so that two flows rarely have the same ones and a greedy flow leaves the others at least one queue
 * that is short.
 */
export function dealHand(flow: string, queues: number, handSize: number): readonly number[] {
  let entropy = hash53(flow);
  const deck = Array.from({ length: queues }, (_, index) => index);
  const hand: number[] = [];
  for (let left = queues; hand.length < Math.min(handSize, queues); left--) {
    const at = entropy % left;
    entropy = Math.floor(entropy / left);
    hand.push(deck[at]!);
    deck[at] = deck[left - 1]!;
  }
  return hand;
}

/** Two FNV-1a walks over the text make 53 bits: enough for 128 queues and hands of seven. */
function hash53(text: string): number {
  let [a, b] = [0x811c9dc5, 0x9e3779b9];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x85ebca6b) ^ (b >>> 13);
  }
  a ^= a >>> 15;
  b ^= b >>> 16;
  return (a >>> 0) * 2 ** 21 + ((b >>> 0) & 0x1fffff);
}
