/** Why the program cannot start or go on, in one line with the remedy. */
export class StartError extends Error {
  override readonly name = 'StartError';
}
