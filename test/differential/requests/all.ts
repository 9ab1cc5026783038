/** The table: everything that the product and the sandbox's kubectl verbs ask an API server, and how it may go wrong. */
import { admissions } from './admission.ts';
import type { ComparedRequest } from './compared-request.ts';
import { deletions } from './deletions.ts';
import { discovery } from './discovery.ts';
import { comparedKinds } from './kinds.ts';
import { leaseRaces } from './leases.ts';
import { customKind, leftOut } from './left-out.ts';
import { lists } from './lists.ts';
import { objectLife } from './object-life.ts';
import { subresources } from './subresources.ts';
import { tables } from './tables.ts';
import { tokens } from './tokens.ts';
import { watches } from './watches.ts';
import { writes } from './writes.ts';

/** In this order: some stand on what others have made. */
export const requests: readonly ComparedRequest[] = [
  ...customKind,
  ...discovery,
  ...comparedKinds.flatMap(objectLife),
  ...writes,
  ...lists,
  ...watches,
  ...deletions,
  ...subresources,
  ...tables,
  ...leaseRaces,
  ...tokens,
  ...admissions,
  ...leftOut,
];
