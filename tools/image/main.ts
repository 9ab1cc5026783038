/**
 * `npm run image`: writes `dist/clb-direct.tar`, the image `clb-direct:dev` for this machine's architecture, without a registry
 * and without Docker, for `ctr images import` and `docker load`. Releases are built by the Dockerfile, for amd64 and arm64.
 */
import { statSync } from 'node:fs';
import { join, relative } from 'node:path';
import { IMAGE_NAME, writeProductImage } from './product-image.ts';

const FILE = join(import.meta.dirname, '../../dist/clb-direct.tar');
const BYTES_PER_MIB = 1_048_576;

try {
  await writeProductImage(FILE);
  console.log(
    `${relative(process.cwd(), FILE)}  ${IMAGE_NAME}  ${(statSync(FILE).size / BYTES_PER_MIB).toFixed(0)} MiB`,
  );
} catch (error) {
  console.error(`npm run image: ${(error as Error).message}`);
  process.exitCode = 1;
}
