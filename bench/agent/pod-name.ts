/** A Pod of the bench; it has one container. */
export interface PodName {
  readonly name: string;
  readonly uid: string;
}

/** What the runtime calls the container. */
export function containerIdOf({ uid }: PodName): string {
  return uid.replaceAll('-', '').padEnd(64, '0');
}
