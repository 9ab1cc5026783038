import { systemClock } from '../../common/clock.ts';
import { measureEvents, measureStart } from './measure.ts';

/** The child of scale-process.ts: measures what the JSON of its one argument says, and prints the figures as JSON. */
const { phase, size, options } = JSON.parse(process.argv[2] ?? '');
const figures =
  phase === 'start' ? await measureStart(size, systemClock()) : await measureEvents(size, options, systemClock());
console.log(JSON.stringify(figures));
