import { readFile, stat } from 'node:fs/promises';
import type { BearerToken } from './configuration.ts';

/** Gives the token to send now. @throws Error naming the file when it cannot be read or is empty. */
export type TokenSource = () => Promise<string | undefined>;

/** A source that reads a token file again only when it changed. */
export function tokenSource(bearerToken: BearerToken | undefined): TokenSource {
  if (bearerToken === undefined) return async () => undefined;
  if (bearerToken.type === 'fixed') return async () => bearerToken.token;
  return fileTokenSource(bearerToken.path);
}

function fileTokenSource(path: string): TokenSource {
  let cached: { readonly version: string; readonly token: string } | undefined;
  return async () => {
    // A projected volume changes by a swapped link: the inode tells even when times and sizes are equal.
    const { ino, mtimeMs, size } = await stat(path);
    const version = `${ino} ${mtimeMs} ${size}`;
    if (cached?.version !== version) cached = { version, token: await readToken(path) };
    return cached.token;
  };
}

async function readToken(path: string): Promise<string> {
  const token = (await readFile(path, 'utf8')).trim();
  if (token === '') throw new Error(`token file ${path} is empty`);
  return token;
}
