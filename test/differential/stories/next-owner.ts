import type { Side } from '../side.ts';
import { type Life, PodLife } from './pod-life.ts';

/** A node of its own, so that no other Pod takes the address between. */
const node = 2;

/** A Pod goes, and the next one of its node comes as soon as its object is gone. */
export async function nextOwner(side: Side): Promise<Life> {
  using first = new PodLife(side, 'first-owner');
  using second = new PodLife(side, 'second-owner');
  await side.giveLowestAddress(node);
  await first.create({ containers: [{ name: 'web', ...side.programs.obedient }] }, node);
  const address = (await first.untilReady()).status?.podIP ?? '';
  const freed = side.addressFreed(node, address);
  await side.giveLowestAddress(node);
  await first.delete();
  await first.untilGone();
  await second.create({ containers: [{ name: 'web', ...side.programs.obedient }] }, node);
  const isSame = (await second.untilReady()).status?.podIP === address;
  const life = await first.told([['web exited 0', 'gone', 'loose']]);
  const gone = first.goneAtMs() ?? 0;
  const isFreedFirst = (await freed) < gone;
  await second.delete({ gracePeriodSeconds: 0 });
  return { ...life, more: { isSame, isFreedFirst } };
}
