import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { bundleProduct } from '../bundle-product.ts';
import { BUNDLE_FOLDER, launcherScript } from './launcher.ts';
import { writeIntoRoot } from './root-folder.ts';

const REPOSITORY = join(import.meta.dirname, '../..');
const EXECUTABLE = 0o755;

/** What the image holds of this repository, at its paths below `rootFolder`: bundles, launcher, licence. */
export async function writeProductFiles(rootFolder: string): Promise<void> {
  for (const { path } of await bundleProduct(join(rootFolder, BUNDLE_FOLDER))) rmSync(`${path}.map`);
  writeIntoRoot(rootFolder, '/usr/local/bin/clb-direct', launcherScript(packageJson.version), EXECUTABLE);
  const licence = readFileSync(join(REPOSITORY, 'LICENSE'), 'utf8');
  writeIntoRoot(rootFolder, '/usr/share/doc/clb-direct/LICENSE', licence);
}
