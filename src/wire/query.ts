/** Query parameters that are booleans: absent, `false` and `0` are false, anything else (also empty) is true, as upstream converts them. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== '0' && value.toLowerCase() !== 'false';
}
