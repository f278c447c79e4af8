/** How many bytes well-formed base64 text stands for, without decoding it. */
export function decodedLength(base64: string): number {
  const length = base64.length;
  if (length === 0) return 0;
  let padding = 0;
  if (base64.charCodeAt(length - 1) === 0x3d) padding += 1;
  if (base64.charCodeAt(length - 2) === 0x3d) padding += 1;
  return Math.floor((length * 3) / 4) - padding;
}

/** UTF-8 size of a text. */
export function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
