import { access, constants, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './check.ts';
import { describeToken } from './token-check.ts';

/** Sees the processes of the whole node, and their socket tables. */
export function procCheck(procRoot: string): Check {
  return {
    name: 'processes of the node',
    remedy: "run the agent with hostPID: true, or mount the host's /proc and name it with --proc-root",
    look: async () => {
      const processIds = (await readdir(procRoot)).filter(name => /^\d+$/.test(name));
      if (processIds.length === 0) throw new Error(`${procRoot} shows no process`);
      if (!processIds.includes('1')) throw new Error(`${procRoot} does not show the first process of the node`);
      await access(join(procRoot, '1', 'net', 'tcp'), constants.R_OK);
      return `${processIds.length} processes, and their connections`;
    },
  };
}

export function authorityCheck(path: string): Check {
  return {
    name: "coordinators' authority",
    remedy: 'mount the ConfigMap clb-direct-ca and name its file with --coordinator-ca-file',
    look: async () => {
      const text = await readFile(path, 'utf8');
      const certificates = text.split('-----BEGIN CERTIFICATE-----').length - 1;
      if (certificates === 0) throw new Error(`${path} holds no certificate`);
      return `${certificates} ${certificates === 1 ? 'certificate' : 'certificates'} in ${path}`;
    },
  };
}

export function tokenCheck(path: string, agent: { readonly nodeName: string; readonly wallNowMs: number }): Check {
  return {
    name: 'token',
    remedy: 'mount a projected serviceAccountToken volume and name its file with --token-file',
    look: async () => describeToken((await readFile(path, 'utf8')).trim(), agent),
  };
}
