import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { certificateFiles } from '../credentials.ts';
import type { Cluster } from '../harness.ts';
import { writeKubeconfig } from '../kubeconfig.ts';

export interface Account {
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** Writes a kubeconfig with a token of the ServiceAccount, which lasts as long as a run. Resolves with its path. */
export async function accountKubeconfig(cluster: Cluster, folder: string, account: Account): Promise<string> {
  const { namespace, serviceAccount } = account;
  const create = ['create', 'token', serviceAccount, `--namespace=${namespace}`, '--duration=4h'];
  const token = (await cluster.kubectl(create)).trim();
  const file = join(folder, `${serviceAccount}.kubeconfig`);
  writeKubeconfig(file, readFileSync(certificateFiles(cluster.paths).authority, 'utf8'), { token });
  return file;
}
