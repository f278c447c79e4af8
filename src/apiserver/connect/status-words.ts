/**
 * What a kubelet's Status complains of, in words; empty for success. What is no Status (cut off, or words already) is given out as it is: it comes from another
 * machine, and whoever waits for the end of a command is better served by it than by nothing. Never throws.
 */
export function wordsOfStatus(status: Buffer): string {
  const text = status.toString();
  const parsed = parse(text);
  if (typeof parsed !== 'object' || parsed === null) return text;
  const { status: outcome, message } = parsed as { status?: unknown; message?: unknown };
  if (outcome === 'Success') return '';
  if (typeof message === 'string') return message;
  return typeof outcome === 'string' ? '' : text;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // Not JSON: the caller takes the text itself.
    return undefined;
  }
}
