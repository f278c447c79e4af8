/** `make down [PURGE=1]`: stops pods and server, leaves nothing in the kernel; PURGE removes the data too. */
import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { run, say, wherry } from './server.ts';

const dataFolder = process.env['WHERRY_DATA_DIR'] ?? '/var/lib/wherry';

run(wherry, ['killall']);
say('stopped the pods and the server');
if (process.argv.includes('--purge')) {
  rmSync(dataFolder, { recursive: true, force: true });
  rmSync(dirname('/etc/wherry/wherry.yaml'), { recursive: true, force: true });
  say('removed the data');
}
