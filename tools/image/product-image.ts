import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import packageJson from '../../package.json' with { type: 'json' };
import { ENTRYPOINT } from './launcher.ts';
import { writeArchive, writeLayout } from './oci-layout.ts';
import { makeProductRoot } from './product-root.ts';

export const IMAGE_NAME = 'clb-direct:dev';
const NOBODY = '65532:65532';

/** Writes the product's image for this machine's architecture. @throws Error that names what is missing here */
export async function writeProductImage(file: string): Promise<void> {
  const scratch = mkdtempSync(join(tmpdir(), 'clb-direct-image-'));
  try {
    const [rootFolder, layout] = [join(scratch, 'root'), join(scratch, 'layout')];
    await makeProductRoot(rootFolder);
    const labels = {
      'org.opencontainers.image.title': packageJson.name,
      'org.opencontainers.image.description': packageJson.description,
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.licenses': packageJson.license,
    };
    await writeLayout(layout, [
      { name: `library/${IMAGE_NAME}`, rootFolder, entrypoint: ENTRYPOINT, user: NOBODY, labels },
    ]);
    mkdirSync(dirname(file), { recursive: true });
    await writeArchive(layout, file);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}
