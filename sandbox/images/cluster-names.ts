import dns from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Loaded before the product's programs: stands for the cluster's DNS. Names in the file that CLUSTER_NAMES_FILE names
 * (lines like /etc/hosts) come before those of the machine; `dns.lookup` of node:dns/promises is all that is led there.
 */
interface Found {
  readonly address: string;
  readonly family: number;
}

const lookupOnMachine = dns.lookup as (host: string, options: object) => Promise<Found | Found[]>;

async function lookup(host: string, options: { readonly all?: boolean } = {}): Promise<Found | Found[]> {
  const found = await lookupInCluster(host);
  if (found.length === 0) return lookupOnMachine(host, options);
  return options.all ? found : (found[0] as Found);
}

async function lookupInCluster(host: string): Promise<Found[]> {
  const text = await readFile(process.env.CLUSTER_NAMES_FILE ?? '/dev/null', 'utf8').catch(() => '');
  return text.split('\n').flatMap(line => {
    const [address = '', ...names] = line.split(/\s+/);
    return names.includes(host) ? [{ address, family: 4 }] : [];
  });
}

Object.assign(dns, { lookup });
syncBuiltinESMExports();
