import { systemClock } from '../../common/clock.ts';
import { serveWebhook } from './served-webhook.ts';

/** The child of webhook-process.ts: serves a cluster as the JSON of its one argument says, and tells where. */
process.send?.(await serveWebhook(systemClock(), JSON.parse(process.argv[2] ?? '')));
process.once('disconnect', () => process.exit(0));
