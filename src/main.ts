import { realpathSync } from 'node:fs';
import { enableCompileCache, registerHooks } from 'node:module';
import { dirname, join } from 'node:path';

// First of all, so that everything loaded later comes from the cache at the second start.
enableCompileCache();

// Our own modules name each other by relative paths with their ending: nothing has to be looked up on the disk (docs/decisions/0032-module-paths.md).
registerHooks({
  resolve(specifier, context, next) {
    const isOwn = specifier.startsWith('.') && specifier.endsWith('.ts') && context.parentURL !== undefined;
    if (!isOwn) return next(specifier, context);
    return { url: new URL(specifier, context.parentURL).href, format: 'module-typescript', shortCircuit: true };
  },
});

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
