import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { type ImageSource, writeLayout } from '../../../tools/image/oci-layout.ts';
import { beginRootFolder, copyProgram, writeIntoRoot } from '../../../tools/image/root-folder.ts';
import { controlPlaneAddress, requestLogPort } from '../addresses.ts';

/** What images are made of, and where they go. */
export interface ImageIngredients {
  readonly layoutFolder: string;
  /** Root folders are put together here; not needed afterwards. */
  readonly scratchFolder: string;
  readonly programs: { readonly pause: string; readonly nginx: string; readonly node: string };
}

/** Makes the images `pause`, `nginx`, `nginx-graceful` and `echo`, with the names that an image without a registry gets. */
export async function makeImages(ingredients: ImageIngredients): Promise<void> {
  const sources = await Promise.all([pauseImage(ingredients), nginxImage(ingredients), echoImage(ingredients)]);
  await writeLayout(ingredients.layoutFolder, sources.flat());
}

async function pauseImage({ scratchFolder, programs }: ImageIngredients): Promise<ImageSource> {
  const rootFolder = join(scratchFolder, 'pause');
  await copyProgram(rootFolder, programs.pause, '/pause');
  return { name: 'library/pause:latest', rootFolder, entrypoint: ['/pause'] };
}

/** Debian's nginx twice: SIGTERM makes it drop its connections at once; SIGQUIT, which the graceful one asks for, lets answers end. */
async function nginxImage({ scratchFolder, programs }: ImageIngredients): Promise<ImageSource[]> {
  const rootFolder = join(scratchFolder, 'nginx');
  beginRootFolder(rootFolder);
  for (const folder of ['run', 'var/lib/nginx', 'var/log/nginx']) {
    mkdirSync(join(rootFolder, folder), { recursive: true });
  }
  writeIntoRoot(rootFolder, '/etc/nginx/nginx.conf', nginxConfig);
  // 15 s of answer at one kilobyte per second, from /slow; 40 s from /slower.
  writeIntoRoot(rootFolder, '/srv/slow', 'slow and steady\n'.repeat(960));
  await copyProgram(rootFolder, programs.nginx, '/usr/sbin/nginx');
  const source = { rootFolder, entrypoint: ['/usr/sbin/nginx'] };
  return [
    { ...source, name: 'library/nginx:latest' },
    { ...source, name: 'library/nginx-graceful:latest', stopSignal: 'SIGQUIT' },
  ];
}

/** The requests go to the container's log and, since that log goes with its Pod, to the cluster's request log. */
const nginxConfig = `daemon off;
user www-data www-data;
worker_processes 1;
pid /run/nginx.pid;
error_log /dev/stderr notice;
events { worker_connections 4096; }
http {
  log_format requests escape=json '{"atSeconds":$msec,"pod":"$hostname","client":"$remote_addr","path":"$request_uri",'
    '"status":$status,"completion":"$request_completion","tookSeconds":$request_time}';
  access_log /dev/stdout requests;
  access_log syslog:server=${controlPlaneAddress}:${requestLogPort},nohostname requests;
  default_type text/plain;
  add_header X-Client-Address $remote_addr always;
  server {
    listen 80;
    root /srv;
    location / { default_type application/json; return 200 '{"pod":"$hostname"}\\n'; }
    location = /slow { limit_rate 1k; }
    location = /slower { alias /srv/slow; limit_rate 384; }
  }
}
`;

async function echoImage({ scratchFolder, programs }: ImageIngredients): Promise<ImageSource> {
  const rootFolder = join(scratchFolder, 'echo');
  beginRootFolder(rootFolder);
  await copyProgram(rootFolder, programs.node, '/usr/local/bin/node');
  const bundling = { bundle: true, platform: 'node', logLevel: 'warning' } as const;
  const programOf = (name: string) => ({ entryPoints: [join(import.meta.dirname, name)], ...bundling });
  await build({ ...programOf('echo.ts'), outfile: join(rootFolder, 'srv/echo.mjs'), format: 'esm' });
  // Packages that it bundles ask for modules by require.
  await build({ ...programOf('sessions.ts'), outfile: join(rootFolder, 'srv/sessions.cjs'), format: 'cjs' });
  return { name: 'library/echo:latest', rootFolder, entrypoint: ['/usr/local/bin/node', '/srv/echo.mjs'] };
}
