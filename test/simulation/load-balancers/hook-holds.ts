import type { Estate } from './estate.ts';

/** How long each preStop call that began since then was held. */
export function holdsSince(estate: Estate, at: number): number[] {
  const { records } = estate.world;
  const began = records.filter(record => record.type === 'preStopBegan' && record.atMs >= at);
  return began.map(({ podUid, atMs }) => {
    const ended = records.find(record => record.type === 'preStopEnded' && record.podUid === podUid);
    return (ended?.atMs ?? Number.POSITIVE_INFINITY) - atMs;
  });
}
