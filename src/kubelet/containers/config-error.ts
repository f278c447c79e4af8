/** The container cannot be made as the spec wants it: becomes the waiting reason CreateContainerConfigError. */
export class ContainerConfigError extends Error {
  override readonly name = 'ContainerConfigError';
}
