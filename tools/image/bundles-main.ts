/** For the Dockerfile: writes what the image holds of this repository into the folder that is named. */
import { writeProductFiles } from './product-files.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('name the folder to write to');
await writeProductFiles(folder);
