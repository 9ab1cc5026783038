import { copyFileSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { run } from '../child-process.ts';

/** Users that programs of Debian look up at their start. */
const users = 'root:x:0:0:root:/:/bin/false\nwww-data:x:33:33:www-data:/:/bin/false\n';
const groups = 'root:x:0:\nwww-data:x:33:\n';

/** Begins a root folder: users, groups and an empty /tmp. */
export function beginRootFolder(rootFolder: string): void {
  mkdirSync(join(rootFolder, 'tmp'), { recursive: true });
  writeIntoRoot(rootFolder, '/etc/passwd', users);
  writeIntoRoot(rootFolder, '/etc/group', groups);
}

/** @param mode 0o644 unless told */
export function writeIntoRoot(rootFolder: string, path: string, content: string, mode = 0o644): void {
  const file = join(rootFolder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, content, { mode });
}

/** Copies a program of this machine to `path`, and to their own paths the libraries that the dynamic loader would load. */
export async function copyProgram(rootFolder: string, program: string, path: string): Promise<void> {
  copyIntoRoot(rootFolder, program, path);
  // It fails for what is linked statically.
  const { output } = await run('ldd', [program], { cwd: '/' });
  for (const library of output.match(/(?<==> |^\s*)\/\S+/gm) ?? []) copyIntoRoot(rootFolder, library, library);
}

function copyIntoRoot(rootFolder: string, from: string, path: string): void {
  const file = join(rootFolder, path);
  if (existsSync(file)) return;
  mkdirSync(dirname(file), { recursive: true });
  copyFileSync(from, file);
}
