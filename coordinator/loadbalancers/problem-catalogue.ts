/** One line of docs/errors.md and the reason of its Events. Codes are stable: none is ever given another meaning. */
export interface ProblemEntry {
  readonly code: `CD1${string}` | `CD3${string}`;
  /** CamelCase, the Event's reason. */
  readonly reason: string;
  readonly meaning: string;
  readonly cause: string;
  readonly fix: string;
  /** Nobody has to do anything about it: its Events are Normal, and told once. */
  readonly isNotice?: boolean;
}

/** What can be wrong with a Service, a Pod or a node, whatever the cloud says. */
export const PROBLEMS = [
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
    cause:
      'It was made in the console, by another program, or by another instance of clb-direct, which never changes what it did not make.',
    fix: 'Use another port, delete that listener, or let the Service use it with the annotation clb-direct.io/adopt-listener: "true". The other ports are served.',
  },
  {
    code: 'CD1006',
    reason: 'PortTaken',
    meaning: 'Another Service has the port on the same load balancer.',
    cause:
      'Both name the same load balancer. The port stays with the Service that has it; if none has it yet, it goes to the one that was created first (then by namespace and name).',
    fix: 'Use another port or another load balancer for one of them. The port is taken over as soon as it is free.',
  },
  {
    code: 'CD1007',
    reason: 'LoadBalancerInUse',
    meaning: 'A load balancer that was made for a Service which left it is kept, because somebody still uses it.',
    cause: 'Another Service uses it by its id, or somebody made listeners on it. Deleting it would take them along.',
    fix: 'Move or delete those listeners, or let the other Services use another one. The load balancer goes by itself then.',
  },
  {
    code: 'CD1008',
    reason: 'NotAllowed',
    meaning: 'The Service may not use the load balancer, or adopt a listener of it.',
    cause:
      'The tag clb-direct-allow of the load balancer does not list the cluster or the namespace. Adoption always needs it; plain use needs it with --existing-load-balancers=tagged.',
    fix: 'Add the entry that the message names to the value of the tag, in the CLB console. What was made before goes on being served.',
  },
  {
    code: 'CD1009',
    reason: 'WrongListenerProtocol',
    meaning: 'The listener that the Service wants to adopt speaks another protocol than the port.',
    cause:
      'A TCP port can adopt a TCP or TCP_SSL listener, a UDP port a UDP one; hosts and paths one of HTTP or HTTPS as they are.',
    fix: 'Use another port in the Service, or delete that listener. The other ports are served.',
  },
  {
    code: 'CD1010',
    reason: 'DeletionProtected',
    meaning: 'The load balancer of a Service that left it is kept, because its deletion protection is on.',
    cause: 'Somebody switched the protection on. clb-direct never switches it off.',
    fix: 'Switch the protection off in the CLB console if the load balancer may go; it goes within a minute or two.',
  },
  {
    code: 'CD1011',
    reason: 'TargetQuotaReached',
    meaning: 'More Pods want to be bound than the listener or rule may have targets.',
    cause:
      'The Service has more replicas than the CLB quota of targets. New Pods take the places of old ones, so that a rollout goes on; those left out get no traffic through this port.',
    fix: 'Ask Tencent Cloud for a higher quota (a raise for one load balancer goes into its tag clb-direct-target-quota), use fewer replicas, or spread them over several load balancers.',
  },
  {
    code: 'CD1012',
    reason: 'PodNotOnEni',
    meaning: 'Pods of the Service have addresses that CLB cannot reach.',
    cause:
      'They are not on an elastic network interface: the cluster mixes VPC-CNI with another network, and the Pod template does not ask for one.',
    fix: 'Give the Pod template the annotation and resource that the message names. In clusters of VPC-CNI alone start the agents with --pure-vpc-cni=true.',
  },
  {
    code: 'CD1013',
    reason: 'Paused',
    meaning: 'Nothing of the Service or Ingress is changed in CLB.',
    cause:
      'Somebody has set its annotation clb-direct.io/paused to "true". Its targets stay as they are whatever happens to its Pods; gates of new Pods stay shut and preStop hooks return at once. If it is deleted, it waits.',
    fix: 'Remove the annotation, and what was missed is caught up with.',
  },
  {
    code: 'CD1040',
    reason: 'BackendNotFound',
    meaning: 'A backend of the Ingress leads to no Pod.',
    cause: 'The Service that it names does not exist, has no selector, or has no such port that speaks TCP.',
    fix: 'Correct the backend or create the Service. The rule answers with an error until then; the other rules are served.',
  },
  {
    code: 'CD1041',
    reason: 'CertificateNotFound',
    meaning: 'A host that is to be served over HTTPS has no certificate.',
    cause: 'No entry of spec.tls is for it, or the Secret that one names does not exist or has no key qcloud_cert_id.',
    fix: "Write the certificate's id of the SSL product into a Secret of the same namespace, under qcloud_cert_id, and name that in spec.tls. Rules that stand keep their certificate; new ones wait for it.",
  },
  {
    code: 'CD1042',
    reason: 'InvalidHostOrPath',
    meaning: 'CLB has no rule for a host or path of the Ingress.',
    cause: 'It is too long, or written in a way that CLB does not know.',
    fix: 'Shorten or correct it as the message says. The other rules are served.',
  },
  {
    code: 'CD1043',
    reason: 'DuplicateRule',
    meaning: 'The same host and path stand in two rules of the Ingress.',
    cause: 'They were written twice, or become the same in CLB.',
    fix: 'Remove one of the two. The first one is served.',
  },
  {
    code: 'CD1044',
    reason: 'ConflictingSettings',
    meaning: 'Two settings exclude each other.',
    cause: 'The object says the same thing in two places.',
    fix: 'Remove one of the two; the message tells which one counts until then.',
  },
  {
    code: 'CD1045',
    reason: 'NotSupported',
    meaning: 'An annotation asks for something that clb-direct does not do.',
    cause: "TKE's own controller knows it; nothing follows from it here.",
    fix: 'Remove it, and write what the message says instead.',
  },
  {
    code: 'CD1046',
    reason: 'SettingsNotFound',
    meaning: 'The TkeServiceConfig that the object names does not exist.',
    cause: 'Its name is mistyped, or it is in another namespace.',
    fix: 'Create it in the namespace of the object, or correct the annotation. Listeners keep the settings that they have.',
  },
  {
    code: 'CD1047',
    reason: 'InvalidSettings',
    meaning: 'A field of a TkeServiceConfig has a value that CLB does not take.',
    cause: 'It is mistyped or out of its range.',
    fix: 'Correct the field; the message names it and what it takes. It counts as left out until then; all other fields are applied.',
  },
  {
    code: 'CD1020',
    reason: 'SourceRangesRefused',
    meaning: 'The Service limits who may reach it by spec.loadBalancerSourceRanges, which is not carried out.',
    cause: 'CLB limits sources by security groups alone, and clb-direct makes none.',
    fix: 'Make a security group with the ranges, name it in the annotation service.cloud.tencent.com/security-groups, and remove the field. Without one of the two a new Service is not served; one that was served before goes on.',
  },
  {
    code: 'CD1021',
    reason: 'AnnotationRefused',
    meaning: 'An annotation asks for something that clb-direct does not do.',
    cause: "It belongs to another way of binding (NodePorts, another region), or CLB's public API has no call for it.",
    fix: 'Remove the annotation, and use what the message names.',
  },
  {
    code: 'CD1022',
    reason: 'ParameterRefused',
    meaning: 'extensiveParameters names a field of CreateLoadBalancer that is not taken.',
    cause:
      'clb-direct chooses it by itself, or does not support it. What a load balancer is made with cannot be corrected later, so none is made.',
    fix: 'Remove the field; the message lists those that are taken.',
  },
  {
    code: 'CD1023',
    reason: 'NotOurLoadBalancer',
    meaning: 'Annotations are about the settings of a load balancer that somebody else made.',
    cause: 'clb-direct changes settings of load balancers that it has made for the Service, and of no others.',
    fix: 'Set the load balancer up in the CLB console and remove the annotations.',
  },
  {
    code: 'CD1024',
    reason: 'AnnotationNeedless',
    meaning: 'An annotation has no effect, and needs none.',
    cause: 'What it switches on is always so with clb-direct, or is nothing that direct access meets.',
    fix: 'Nothing to do.',
    isNotice: true,
  },
  {
    code: 'CD1025',
    reason: 'LoadBalancerRetained',
    meaning: 'The load balancer of a Service that left it is kept.',
    cause: 'The Service says so by the annotation service.cloud.tencent.com/loadbalance-retain.',
    fix: 'Nothing to do. It costs money until somebody deletes it in the CLB console.',
    isNotice: true,
  },
  {
    code: 'CD1026',
    reason: 'LoopbackPossible',
    meaning: 'Clients on the nodes of the Pods may get no answer through this internal load balancer, or a late one.',
    cause:
      "CLB keeps the client's address. When the Pod that it chooses runs on the client's own node, the answer never leaves the node: on layer 4 the connection fails, on layer 7 CLB tries another Pod after about 4 s.",
    fix: 'Let clients inside the cluster use the ClusterIP of the Service, or keep them off the nodes of its Pods by anti-affinity. Public load balancers are not concerned.',
    isNotice: true,
  },
  {
    code: 'CD1027',
    reason: 'WaitsForTke',
    meaning: "Pods wait for a readiness gate of TKE's own controllers.",
    cause: "They were made while TKE's controller served their Service, and it skips the Service now.",
    fix: 'Delete the Pods that the message names, or roll the workload: new Pods have no such gate, unless something else that TKE serves selects them.',
  },
  {
    code: 'CD1028',
    reason: 'LoadBalancerLeft',
    meaning: "A Service is deleted whose load balancer was made by TKE's own controller.",
    cause:
      'The Service was handed over by mode: "skip", so that controller does nothing about it any more, and clb-direct deletes nothing that it did not make.',
    fix: 'Delete the load balancer in the CLB console when nothing else uses it, or retag and reuse it.',
  },
  {
    code: 'CD1029',
    reason: 'ConnectionsRescheduled',
    meaning: 'A listener is set up so that CLB cuts connections and moves them.',
    cause:
      'Somebody switched rescheduling on: what is being drained loses its connections, which clb-direct would let end.',
    fix: 'Switch the rescheduling of the listener off in the CLB console.',
  },
  {
    code: 'CD1030',
    reason: 'HealthCheckSlow',
    meaning: 'The health check of a listener or rule makes every rollout slow.',
    cause: 'Interval times healthy threshold is more than 30 s, and a new Pod takes traffic only after it.',
    fix: "Shorten the interval or lower the threshold (TkeServiceConfig, or the CLB console); CLB's own settings make 15 s.",
    isNotice: true,
  },
  {
    code: 'CD1031',
    reason: 'CertificateMissing',
    meaning: 'The Secret that a port takes its certificate from is not there, or names no certificate.',
    cause: 'It is mistyped or in another namespace, or its key qcloud_cert_id is empty.',
    fix: 'Make the Secret in the namespace of the Service, with the id of a certificate of the SSL product in the key qcloud_cert_id.',
  },
  {
    code: 'CD1032',
    reason: 'HealthCheckDisagrees',
    meaning: "CLB's health check and the readinessProbe of the Pods ask different things.",
    cause:
      'They differ in port, protocol, path or patience. A Pod may be ready and get no traffic, so that a rollout stands still, or get traffic that it cannot serve.',
    fix: 'Set what the message names, in the TkeServiceConfig of the object or in the Pod template.',
  },
  {
    code: 'CD1033',
    reason: 'NothingTellsReadiness',
    meaning: 'New Pods get traffic before they can serve.',
    cause: "CLB's health check is switched off, and the Pods have no readinessProbe.",
    fix: 'Give the container a readinessProbe, or switch the health check on.',
  },
  {
    code: 'CD1034',
    reason: 'GraceTooShort',
    meaning: 'The grace period of the Pods is shorter than their drain may take.',
    cause:
      'The Pod template has the drain hook itself, so that the webhook does not raise terminationGracePeriodSeconds. Connections that last are cut when the period is over.',
    fix: 'Set terminationGracePeriodSeconds to what the message says, or lower clb-direct.io/drain-seconds.',
  },
  {
    code: 'CD3001',
    reason: 'ClaimedByTke',
    meaning: "TKE's own controller would act on the Service, too.",
    cause: 'It runs in this cluster, and nothing on the Service tells it to keep its hands off.',
    fix: 'Add the annotation service.cloud.tencent.com/mode: "skip" to the Service.',
  },
  {
    code: 'CD3002',
    reason: 'ForeignWriter',
    meaning: "Somebody else changed targets on the Service's listeners.",
    cause: 'A person in the console, a script, or another controller writes to the same load balancer.',
    fix: 'Find the other writer by the CLB operation log and stop it. What is ours is put back, what is not is left alone.',
  },
  {
    code: 'CD3003',
    reason: 'NodeTargetsLeave',
    meaning: 'The end of a node is announced, and the targets of its Pods leave ahead of their eviction.',
    cause:
      'The machine shuts down, its spot instance is taken back, or the autoscaler removes it; the flag --drain-node-on tells which signs count.',
    fix: 'Nothing to do. Targets that nobody can take over from stay open, and all of them serve again if the sign goes away.',
  },
  {
    code: 'CD3004',
    reason: 'DrainCutShort',
    meaning: "A Pod's preStop hook was answered before the load balancer had let the Pod go completely.",
    cause:
      'The message names it: connections or the cloud outlived the budget, or an agent or coordinator was not there.',
    fix: 'Do what the message says. Clients of this Pod may have seen broken connections.',
  },
  {
    code: 'CD3005',
    reason: 'NodeUnreachable',
    meaning:
      'A node is lost: its agent is silent and no other node reaches it. The targets of its Pods go to weight 0.',
    cause: 'The machine lost its power or its network, or it hangs.',
    fix: 'Look after the machine. Its targets serve again by themselves once it is back; nothing is deregistered before its Pods are gone.',
  },
  {
    code: 'CD3006',
    reason: 'RightMissing',
    meaning: 'The coordinator may not read Ingresses, or TkeServiceConfigs.',
    cause:
      'Its ClusterRole lacks the right that the message names. Services are served all the same; the message tells what is not done meanwhile.',
    fix: 'Allow get, list and watch of the resource in the ClusterRole of the coordinator. It is tried again every 30 s.',
  },
  {
    code: 'CD3007',
    reason: 'ConfigKindUnfit',
    meaning: "The cluster's TkeServiceConfigs cannot hold all that clb-direct reads of them.",
    cause:
      'The CustomResourceDefinition, which TKE or somebody else made, serves another version or drops fields; the message names them. It is looked at when a coordinator starts.',
    fix: "Update it with TKE's add-ons, or let the chart make it where nobody else does (tkeServiceConfig.crd). Settings that it drops are not applied; everything else works.",
  },
  {
    code: 'CD3010',
    reason: 'PodsUngated',
    meaning:
      'Pods of a workload that is served have no readiness gate, so that a rolling update does not wait for the load balancer.',
    cause:
      'They were made while no coordinator answered the webhook, before anything of clb-direct selected them, or where the webhook is off or told to leave them alone.',
    fix: 'Roll the workload (kubectl rollout restart), or put the gate into its template: clb-direct inject -f prints it. docs/injection.md tells which Pods get it by themselves.',
  },
  {
    code: 'CD3011',
    reason: 'PodsUnhooked',
    meaning: 'Pods of a workload that is served have a container whose SIGTERM does not wait for the load balancer.',
    cause:
      'As above, or the container has an exec or httpGet preStop of its own, which stays. Its Pods are drained from the moment at which their deletion is seen.',
    fix: 'As above. A preStop of your own: do its step on SIGTERM and remove it, or put what it does into a container of its own.',
  },
  {
    code: 'CD3020',
    reason: 'ObjectPutRight',
    meaning: "Somebody deleted or edited what clb-direct's TLS or webhook stands on; it is as it was again.",
    cause:
      'A person, a script or a GitOps tool changed the Secret clb-direct-tls, the ConfigMap clb-direct-ca or the MutatingWebhookConfiguration clb-direct.',
    fix: 'Nothing to do. Pods made without the webhook are bound and drained all the same. If it goes on, find the writer in the audit log of the API server.',
  },
  {
    code: 'CD3021',
    reason: 'CertificateUnusable',
    meaning: 'The Secret that --tls-secret names cannot be served.',
    cause: 'It does not exist, a part is missing, or the certificate is for other names.',
    fix: 'Make it with tls.crt, tls.key and ca.crt, for the names clb-direct-coordinator and clb-direct-webhook.<namespace>.svc. The certificate read before is served on.',
  },
  {
    code: 'CD3022',
    reason: 'GateStuck',
    meaning: 'The readiness gate of a Pod has waited for its load balancer longer than --stuck-gate-seconds.',
    cause:
      "The message names the probable one, found by trying the Pod's port from its own node: a security group, the path or port of the health check, a slow start, or what keeps the target from being registered.",
    fix: 'Do what the message suggests. The gate opens by itself once CLB finds the Pod healthy; it stays shut until then, unless --open-stuck-gates-seconds says otherwise.',
  },
] as const satisfies readonly ProblemEntry[];
