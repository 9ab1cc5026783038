/** One line of docs/errors.md and the reason of its Events. Codes are stable: none is ever given another meaning. */
export interface ProblemEntry {
  readonly code: `CD1${string}` | `CD3${string}`;
  /** CamelCase, the Event's reason. */
  readonly reason: string;
  readonly meaning: string;
  readonly cause: string;
  readonly fix: string;
}

/** What can be wrong with a Service, whatever the cloud says. */
export const SERVICE_PROBLEMS = [
  {
    code: 'CD1001',
    reason: 'InvalidAnnotation',
    meaning: 'An annotation has a value that clb-direct does not know.',
    cause: 'It is mistyped. A Service that was served before goes on as it was; another one is not touched.',
    fix: 'Correct the value; the message names the annotation and the values it takes.',
  },
  {
    code: 'CD1002',
    reason: 'NoSuchPort',
    meaning: 'The targetPort of the Service names a port that no container of its Pods has.',
    cause: 'The name is mistyped, or the Pod template does not name the port with that protocol.',
    fix: 'Correct targetPort, or name the port in the Pod template. The other ports are served.',
  },
  {
    code: 'CD1003',
    reason: 'UnsupportedProtocol',
    meaning: 'A port of the Service uses SCTP.',
    cause: 'CLB carries TCP and UDP.',
    fix: 'Remove the port from the Service, or use another protocol. The other ports are served.',
  },
  {
    code: 'CD1004',
    reason: 'LoadBalancerNotFound',
    meaning: 'The load balancer that the Service names does not exist.',
    cause: 'Its id is mistyped or belongs to another region or account, or it was deleted.',
    fix: 'Correct the annotation service.kubernetes.io/tke-existed-lbid. It is looked for again every 30 s.',
  },
  {
    code: 'CD1005',
    reason: 'ListenerOccupied',
    meaning: "Somebody else's listener has the port.",
    cause: 'It was made in the console or by another program. clb-direct never changes what it did not make.',
    fix: 'Use another port in the Service, or delete that listener. The other ports are served.',
  },
  {
    code: 'CD1006',
    reason: 'PortTaken',
    meaning: 'Another Service has the port on the same load balancer.',
    cause:
      'Both name the same load balancer. The port stays with the Service that has it; if none has it yet, it goes to the first by namespace and name.',
    fix: 'Use another port or another load balancer for one of them. The port is taken over as soon as it is free.',
  },
  {
    code: 'CD1007',
    reason: 'LoadBalancerInUse',
    meaning: 'The load balancer of a deleted Service is kept, because it still has listeners.',
    cause: 'Another Service uses it by its id, or somebody made listeners on it. Deleting it would take them along.',
    fix: 'Move or delete those listeners. The load balancer goes by itself when it has none.',
  },
  {
    code: 'CD3001',
    reason: 'ClaimedByTke',
    meaning: "TKE's own controller would act on the Service, too.",
    cause: 'It runs in this cluster, and nothing on the Service tells it to keep its hands off.',
    fix: 'Add the annotation service.cloud.tencent.com/mode: "skip" to the Service.',
  },
] as const satisfies readonly ProblemEntry[];
