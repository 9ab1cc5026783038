import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type IdleTimes, parseSocketStatistics } from './idle-times.ts';

export interface SsIdleTimesOptions {
  /** The host's /proc. */
  readonly procRoot: string;
}

/** Room for about 10,000 connections; with more, idle times cannot be known. */
const OUTPUT_BYTES_MAX = 4 * 1_024 * 1_024;

/**
 * Asks the kernel by `ss` (iproute2) in the Pod's network namespace, which `nsenter` (util-linux) enters: about 15 ms and two
 * short-lived processes. Needs both programs, CAP_SYS_ADMIN and CAP_SYS_PTRACE.
 */
export function ssIdleTimes({ procRoot }: SsIdleTimesOptions): IdleTimes {
  return {
    async read({ processId, ports }, signal) {
      const namespace = `--net=${join(procRoot, String(processId), 'ns', 'net')}`;
      const statistics = ['ss', '-tinHO', 'state', 'connected', 'exclude', 'time-wait', filterOf(ports)];
      const { stdout } = await promisify(execFile)('nsenter', [namespace, ...statistics], {
        signal,
        maxBuffer: OUTPUT_BYTES_MAX,
        killSignal: 'SIGKILL',
      });
      return parseSocketStatistics(stdout);
    },
  };
}

function filterOf(ports: readonly number[]): string {
  return `( ${ports.map(port => `sport = :${port}`).join(' or ')} )`;
}
