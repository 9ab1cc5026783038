import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMPATIBILITY } from '../coordinator/manifests/compatibility.ts';
import { compatibilityPage } from './compatibility-page.ts';

/** `npm run compatibility`: writes docs/compatibility.md from the table in code. */
writeFileSync(join(import.meta.dirname, '../docs/compatibility.md'), compatibilityPage(COMPATIBILITY));
