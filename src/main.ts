import { realpathSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { dirname, join } from 'node:path';

// First of all, so that everything loaded later comes from the cache at the second start.
enableCompileCache();

async function main(): Promise<void> {
  const { runCommand } = await import('#cmd');
  process.exitCode = await runCommand({
    args: process.argv.slice(2),
    environment: process.env,
    assetFolder: join(dirname(realpathSync(process.argv[1]!)), '..', 'build'),
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
  });
}

main().catch(error => {
  process.stderr.write(`wherry: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
