/**
 * Stands for nft on a node: `nft-main.ts STATE-FILE -j TRANSACTION` or `nft-main.ts STATE-FILE -j list table FAMILY NAME`.
 * What a list prints is written beside the state, so that a shell can answer those that agents ask for all the time.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { applyTransaction, listTable, NftError, type NftTable } from './nft-tables.ts';

function main([file = '', flag, ...rest]: readonly string[]): number {
  const tables = readTables(file);
  const [command = '', , family = '', name = ''] = rest;
  try {
    if (flag !== '-j') throw new NftError("Error: the sandbox's nft knows only 'nft -j'");
    if (command === 'list') console.log(JSON.stringify(listTable(tables, family, name)));
    else writeTables(file, applyTransaction(tables, command));
    return 0;
  } catch (error) {
    if (!(error instanceof NftError)) throw error;
    console.error(error.message);
    return 1;
  }
}

function readTables(file: string): readonly NftTable[] {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as readonly NftTable[];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The node's network reads it at any moment. */
function writeTables(file: string, tables: readonly NftTable[]): void {
  const written = `${file}.${process.pid}`;
  for (const { family, name } of readTables(file)) rmSync(listingFile(file, family, name), { force: true });
  for (const { family, name } of tables) {
    writeFileSync(written, JSON.stringify(listTable(tables, family, name)));
    renameSync(written, listingFile(file, family, name));
  }
  writeFileSync(written, JSON.stringify(tables));
  renameSync(written, file);
}

function listingFile(file: string, family: string, name: string): string {
  return `${file}.${family}.${name}`;
}

process.exitCode = main(process.argv.slice(2));
