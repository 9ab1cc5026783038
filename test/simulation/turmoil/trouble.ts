import type { Random } from '../../../common/random.ts';
import type { Chronicle } from '../convergence/chronicle.ts';
import type { PodPlace } from '../evidence.ts';
import type { World } from '../world.ts';
import type { Replicas } from './replicas.ts';

/** Something that happens in a run, as a value: the run is a function of the list of all of them. */
export interface Happening {
  /** Its place in the list that its seed gives: by it, it is left out or kept when the run is played again. */
  readonly number: number;
  /** From the beginning of the turmoil. */
  readonly atMs: number;
  readonly lastsMs: number;
  readonly kind: string;
  /** Of its own dice, so that leaving another one out changes nothing of it. */
  readonly seed: number;
}

/** What happenings work on. */
export interface Site {
  readonly world: World;
  readonly chronicle: Chronicle;
  readonly replicas: Replicas;
  /** The ids of the load balancers that Services may share. */
  readonly shared: readonly string[];
  /** Names of nodes that are being emptied: one at a time, as people do it. */
  readonly drained: Set<string>;
  /** By node, what its agent does or did. */
  readonly liars: Map<string, 'lies' | 'lied'>;
}

/** Something that has begun. */
export interface Begun {
  /** What, for people. */
  readonly text: string;
  /** Takes it back when its time is over. */
  readonly end?: () => void;
  /** What it speaks against, and harms, where it does not harm everybody. */
  readonly harms?: (pod: PodPlace) => boolean;
  /** True: coordinators are told what is not so of Pods that it harms. */
  readonly misleads?: true;
  /** True: the agents of the nodes of Pods that it harms do not reach the API server. */
  readonly blinds?: true;
  /** True: a leader dies of it and nobody can tell, so that its lease has to run out. */
  readonly endsLeader?: boolean;
  /** The address that CLB refuses. */
  readonly refused?: string;
}

/** What may happen. */
export interface Kind {
  /** How often it is drawn, compared with others. */
  readonly share: number;
  readonly lastsMs: readonly [number, number];
  /** True: nothing of it excuses a lost request. */
  readonly isBearable?: true;
  /** True: coordinators may hear nothing of the API server as long as it lasts. */
  readonly deafens?: true;
  /** Undefined when there is nothing that it could happen to. */
  readonly begin: (site: Site, random: Random, lastsMs: number) => Begun | undefined | Promise<Begun>;
}

export type Kinds = Readonly<Record<string, Kind>>;
