/** Where a target is bound: identity of a binding in CLB. `locationId` is empty on layer 4. */
export interface BindingPlace {
  readonly listenerId: string;
  readonly locationId: string;
  readonly address: string;
  readonly port: number;
}

/** One text per place, for maps. */
export function bindingKey(place: BindingPlace): string {
  return `${place.listenerId}|${place.locationId}|${place.address}|${place.port}`;
}
