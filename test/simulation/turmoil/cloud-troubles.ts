import { type Random, randomInteger } from '../../../common/random.ts';
import { drawAnyFault, drawFault } from '../cloud-faults.ts';
import { pick } from '../pick.ts';
import type { Begun, Kinds, Site } from './trouble.ts';

const FAULTS = [1, 3] as const;

/** What CLB does. */
export const CLOUD_TROUBLES: Kinds = {
  'CLB is bearable': { share: 4, lastsMs: [1_000, 8_000], isBearable: true, begin: misbehave },
  'CLB does anything': { share: 5, lastsMs: [1_000, 30_000], begin: doAnything },
  'CLB refuses an address': { share: 2, lastsMs: [1_000, 40_000], begin: refuseAddress },
};

function misbehave({ world }: Site, random: Random): Begun {
  const fault = drawFault(random);
  world.clb.faults.add(fault);
  return { text: `CLB: ${JSON.stringify(fault)}`, end: () => world.clb.faults.remove(fault) };
}

function doAnything({ world }: Site, random: Random): Begun {
  const faults = Array.from({ length: randomInteger(random, ...FAULTS) }, () => drawAnyFault(random));
  for (const fault of faults) world.clb.faults.add(fault);
  const end = () => {
    for (const fault of faults) world.clb.faults.remove(fault);
  };
  return { text: `CLB: ${JSON.stringify(faults)}`, end };
}

/** As when its network interface is being attached: CLB takes the address later. */
function refuseAddress({ world }: Site, random: Random): Begun | undefined {
  const addresses = world.servers.addresses();
  if (addresses.length === 0) return undefined;
  const address = pick(random, addresses);
  world.clb.elsewhere.refuse([address]);
  return {
    text: `CLB refuses ${address}`,
    end: () => world.clb.elsewhere.accept([address]),
    refused: address,
    harms: pod => pod.address === address,
  };
}
