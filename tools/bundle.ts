import { join, relative } from 'node:path';
import { bundleProduct } from './bundle-product.ts';

/** `npm run bundle`: what the image runs, in dist/. */
const FOLDER = join(import.meta.dirname, '../dist');

for (const { path, bytes } of await bundleProduct(FOLDER)) {
  console.log(`${relative(process.cwd(), path)}  ${(bytes / 1024).toFixed(0)} KiB`);
}
