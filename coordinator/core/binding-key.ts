/** Where a target is bound: identity of a binding in CLB. `locationId` is empty on layer 4. */
export interface BindingPlace {
  readonly listenerId: string;
  readonly locationId: string;
  readonly address: string;
  readonly port: number;
  /** Set when the target is a whole instance: the node of a hostNetwork Pod. */
  readonly instanceId?: string;
}

/** One text per place, for maps. */
export function bindingKey(place: BindingPlace): string {
  return `${place.listenerId}|${place.locationId}|${place.address}|${place.port}`;
}
