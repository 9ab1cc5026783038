/**
 * Run by `tcp-probes.test.ts` in a network namespace of its own, where 10.44.0.9 is a machine that is off and 10.45.0.9
 * one that no route leads to. Prints one line of JSON: what a probe of each says.
 */
import { execFileSync } from 'node:child_process';
import { systemClock } from '../../common/clock.ts';
import { deadline } from '../../common/deadline.ts';
import { tcpProbes } from './tcp-probes.ts';

const TIMEOUT_MS = 300;

for (const command of [
  'link set lo up',
  'link add probe0 type veth peer name probe1',
  'address add 10.44.0.1/24 dev probe0',
  'link set probe0 up',
  'link set probe1 up',
  // The link's other end takes every packet and says nothing.
  'neighbour add 10.44.0.9 lladdr 02:00:00:00:00:09 dev probe0',
  'route add unreachable 10.45.0.0/24',
]) {
  execFileSync('ip', command.split(' '));
}

console.log(JSON.stringify({ off: await probe('10.44.0.9'), nowhere: await probe('10.45.0.9') }));

async function probe(address: string): Promise<string> {
  using limit = deadline(systemClock(), 'the probe', TIMEOUT_MS);
  return await tcpProbes()
    .connect(address, 80, limit.signal)
    .catch((error: Error) => error.name);
}
