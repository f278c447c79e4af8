/** A volume cannot be made ready; tried again later. Becomes a FailedMount event. */
export class VolumeError extends Error {
  override readonly name = 'VolumeError';
}
