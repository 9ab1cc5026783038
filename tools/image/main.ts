/**
 * `npm run image`: writes `dist/clb-direct.tar`, the image `clb-direct:dev` for this machine's architecture, without a registry
 * and without Docker, for `ctr images import` and `docker load`. Releases are built by the Dockerfile, for amd64 and arm64.
 */
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { writeArchive, writeLayout } from './oci-layout.ts';
import { makeProductRoot } from './product-root.ts';

const DIST = join(import.meta.dirname, '../../dist');
const BYTES_PER_MIB = 1_048_576;
const NOBODY = '65532:65532';

const scratch = mkdtempSync(join(tmpdir(), 'clb-direct-image-'));
try {
  const [rootFolder, layout, file] = [join(scratch, 'root'), join(scratch, 'layout'), join(DIST, 'clb-direct.tar')];
  await makeProductRoot(rootFolder);
  const labels = {
    'org.opencontainers.image.title': packageJson.name,
    'org.opencontainers.image.description': packageJson.description,
    'org.opencontainers.image.version': packageJson.version,
    'org.opencontainers.image.licenses': packageJson.license,
  };
  const image = { name: 'library/clb-direct:dev', rootFolder, entrypoint: ['/usr/local/bin/clb-direct'], user: NOBODY };
  await writeLayout(layout, [{ ...image, labels }]);
  mkdirSync(DIST, { recursive: true });
  await writeArchive(layout, file);
  console.log(
    `${relative(process.cwd(), file)}  clb-direct:dev  ${(statSync(file).size / BYTES_PER_MIB).toFixed(0)} MiB`,
  );
} catch (error) {
  console.error(`npm run image: ${(error as Error).message}`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
