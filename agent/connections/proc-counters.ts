import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The kernel's own counts of a network namespace. They cost a hundredth of a walk through its sockets. */
export interface NamespaceCounters {
  readonly hasIpv4Sockets: boolean;
  readonly hasIpv6Sockets: boolean;
  /**
   * Equal as long as no TCP connection came, went, or left ESTABLISHED or CLOSE_WAIT: connections ever opened and ever
   * accepted, established now, sockets now of either family.
   */
  readonly fingerprint: string;
}

/** Reads them from `/proc/<pid>/net`; undefined where the kernel shows them otherwise than known. */
export async function readNamespaceCounters(
  folder: string,
  signal: AbortSignal,
): Promise<NamespaceCounters | undefined> {
  const read = (file: string) => readFile(join(folder, file), { encoding: 'latin1', signal });
  try {
    const [snmp, sockstat, sockstat6] = await Promise.all(['snmp', 'sockstat', 'sockstat6'].map(read));
    return namespaceCounters(snmp ?? '', sockstat ?? '', sockstat6 ?? '');
  } catch {
    signal.throwIfAborted();
    return undefined;
  }
}

/** `/proc/<pid>/net/snmp`, `sockstat` and `sockstat6` as in proc_pid_net(5); a socket in TIME_WAIT is not in use. */
function namespaceCounters(snmp: string, sockstat: string, sockstat6: string): NamespaceCounters | undefined {
  const [names, values] = snmp.split('\n').filter(line => line.startsWith('Tcp: '));
  const opens = ['ActiveOpens', 'PassiveOpens', 'CurrEstab'].map(name => column(names, values, name));
  const inUse = /^TCP: inuse (\d+)/m.exec(sockstat)?.[1];
  const inUse6 = /^TCP6: inuse (\d+)/m.exec(sockstat6)?.[1];
  const all = [...opens, inUse, inUse6];
  if (all.includes(undefined)) return undefined;
  return { hasIpv4Sockets: inUse !== '0', hasIpv6Sockets: inUse6 !== '0', fingerprint: all.join(' ') };
}

function column(names: string | undefined, values: string | undefined, name: string): string | undefined {
  const index = names?.split(' ').indexOf(name) ?? -1;
  return index < 0 ? undefined : values?.split(' ')[index];
}
