import { certificateReport, rotateCertificates } from '#cluster';
import { type Invocation, UsageError } from './command.ts';
import { readOptions } from './options.ts';

/** `wherry certificate check|rotate`. */
export async function run(invocation: Invocation): Promise<number> {
  const { config, positionals } = await readOptions(invocation);
  if (positionals[0] === 'check') {
    for (const { name, notAfter, daysLeft } of certificateReport(config)) {
      invocation.stdout(`${name.padEnd(24)} ${notAfter.toISOString().slice(0, 10)}  ${daysLeft} days left\n`);
    }
    return 0;
  }
  if (positionals[0] === 'rotate') {
    const names = rotateCertificates(config);
    invocation.stdout(`removed ${names.join(', ')}; new ones are made when the server starts\n`);
    return 0;
  }
  throw new UsageError('say what to do: check or rotate');
}
