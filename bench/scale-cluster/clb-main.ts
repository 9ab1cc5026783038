/**
 * A CLB without data plane: every target passes each of its health checks, of which the first comes a whole interval after its
 * registration, so that all become healthy after the same time. CLB_JOURNAL names the file of its journal.
 */
import { openSync, writeSync } from 'node:fs';
import type { Server } from 'node:http';
import { systemClock } from '../../common/clock.ts';
import { systemRandom } from '../../common/random.ts';
import { controlServer } from '../../sandbox/clb/control.ts';
import { httpCarrier } from '../../sandbox/clb/http-carrier.ts';
import { ClbServer } from '../../sandbox/clb/server.ts';
import { defaultSettings, vipsOfPrefix } from '../../sandbox/clb/settings.ts';
import { controlPlaneAddress } from '../../test/cluster/addresses.ts';
import { cloudKey } from '../../test/cluster/product/load-balancers.ts';
import { ports, virtualAddressPrefix } from '../../test/cluster/product/names.ts';

/** More than the published 200, or 300 Pods and their surge have no room. */
const TARGETS_PER_LISTENER = 500;

const [clock, random] = [systemClock(), systemRandom()];
const defaults = defaultSettings(vipsOfPrefix(virtualAddressPrefix));
const settings = { ...defaults, quota: { ...defaults.quota, targetsPerListener: TARGETS_PER_LISTENER } };
const firstProbe = { next: () => 1 };
const server = new ClbServer({ clock, random, settings, probe: async () => true, firstProbe });
const journal = openSync(process.env.CLB_JOURNAL ?? '', 'a');
server.journal.onRecord(record => {
  if (record.kind !== 'forwarded') writeSync(journal, `${JSON.stringify(record)}\n`);
});
const credentials = [cloudKey];
listen(httpCarrier({ server, clock, random, credentials, region: 'ap-guangzhou' }), ports.clb);
listen(controlServer(server), ports.clbControl);

function listen(http: Server, port: number): void {
  http.listen({ host: controlPlaneAddress, port });
}
