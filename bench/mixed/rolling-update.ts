/** Pods of one Service as a Deployment with a quarter of surge and a quarter unavailable replaces them. */
export interface RollingUpdateOptions {
  readonly old: readonly string[];
  /** Makes a Pod of the new ReplicaSet and answers with its UID. */
  readonly create: () => string;
  readonly remove: (podUid: string) => void;
}

const SURGE_SHARE = 0.25;
const UNAVAILABLE_SHARE = 0.25;

export class RollingUpdate {
  readonly #options: RollingUpdateOptions;
  /** Available old Pods, oldest first. */
  readonly #old: string[];
  readonly #waiting = new Set<string>();
  readonly #ready = new Set<string>();
  readonly #leaving = new Set<string>();
  readonly #replicas: number;

  constructor(options: RollingUpdateOptions) {
    this.#options = options;
    this.#old = [...options.old];
    this.#replicas = options.old.length;
  }

  get isDone(): boolean {
    return this.#ready.size === this.#replicas && this.#leaving.size === 0;
  }

  /** Creates and removes as many as may be now. */
  proceed(): void {
    const totalMax = this.#replicas + Math.ceil(this.#replicas * SURGE_SHARE);
    const availableMin = this.#replicas - Math.floor(this.#replicas * UNAVAILABLE_SHARE);
    while (this.#old.length > 0 && this.#old.length + this.#ready.size > availableMin) this.#removeOldest();
    while (this.#created < this.#replicas && this.#total < totalMax) this.#waiting.add(this.#options.create());
  }

  gateOpened(podUid: string): void {
    if (!this.#waiting.delete(podUid)) return;
    this.#ready.add(podUid);
    this.proceed();
  }

  gone(podUid: string): void {
    if (!this.#leaving.delete(podUid)) return;
    this.proceed();
  }

  get #created(): number {
    return this.#waiting.size + this.#ready.size;
  }

  get #total(): number {
    return this.#old.length + this.#created;
  }

  #removeOldest(): void {
    const podUid = this.#old.shift();
    if (podUid === undefined) return;
    this.#leaving.add(podUid);
    this.#options.remove(podUid);
  }
}
