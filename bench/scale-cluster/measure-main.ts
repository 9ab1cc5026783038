/** Runs in the network of a cluster that is up; its command line is that of main.ts. Prints the table. */
import { systemClock } from '../../common/clock.ts';
import { systemRandom } from '../../common/random.ts';
import { progress } from '../progress.ts';
import { figuresText } from './figures-text.ts';
import { measure } from './measure.ts';
import { scaleOptions } from './options.ts';
import { openStand } from './stand.ts';

const options = scaleOptions(process.argv.slice(2));
if (!options) throw new Error('nothing to measure');
const clock = systemClock();
const say = progress(clock, line => console.error(line));
const stand = await openStand({ clock, random: systemRandom(), options, say });
console.log(figuresText(await measure(stand, line => console.error(`       ${line}`))));
// What else is open here is watches, and processes that end with the cluster.
process.exit(0);
