/** One thing that users of TKE's own controller write in their manifests, and what clb-direct makes of it. */
export interface CompatibilityRow {
  /** As it is written: the annotation, or the path of the field. */
  readonly key: string;
  readonly on: 'Service' | 'Ingress' | 'Pod' | 'Secret' | 'TkeServiceConfig';
  /** Version of TKE's controller that brought it, for example `service 2.5.0`. */
  readonly since?: string;
  /**
   * `done`: it does what TKE makes it do. `refused`: an Event names it and says what to do. `read-only`: written by the
   * controller, never read as a wish. `ignored`: nothing follows from it, and nothing has to.
   */
  readonly status: 'done' | 'refused' | 'read-only' | 'ignored';
  /** What happens, in a sentence or two. */
  readonly what: string;
  /** Of what is refused or ignored: what to write. */
  readonly insteadUse?: string;
  /** The test that proves it: `path > name`. */
  readonly test: string;
}
