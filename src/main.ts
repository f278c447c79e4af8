import { enableCompileCache } from 'node:module';

// First of all, so that everything loaded later comes from the cache at the second start.
enableCompileCache();

async function main(): Promise<void> {
  const { runCommand } = await import('#cmd');
  process.exitCode = await runCommand({
    args: process.argv.slice(2),
    environment: process.env,
    stdout: text => void process.stdout.write(text),
    stderr: text => void process.stderr.write(text),
  });
}

main().catch(error => {
  process.stderr.write(`wherry: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = 1;
});
