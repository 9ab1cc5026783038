{{/*
Names do not follow the release's name: certificates, lease and webhook have theirs in the code. An instance has a namespace
of its own, so that only what stands in none, or in kube-system, has the instance's name in it (checks.yaml).
*/}}

{{- define "clb-direct.clusterWide" -}}
clb-direct{{ with .Values.instance.name }}-{{ . }}{{ end }}
{{- end }}

{{/* Which instance a process is of, as arguments. */}}
{{- define "clb-direct.instanceArguments" -}}
{{- with .Values.instance.name }}
- --instance={{ . }}
{{- end }}
- --hook-port={{ .Values.agent.hookPort }}
{{- end }}

{{/* Where the load balancers are, as arguments. */}}
{{- define "clb-direct.cloudArguments" -}}
- --region={{ .Values.cloud.region }}
- --cluster-name={{ .Values.cloud.clusterName }}
{{- with .Values.cloud.endpoint }}
- --clb-endpoint={{ . }}
{{- end }}
{{- end }}

{{/* The key to call CLB with, and what a way to it may need. `optional`: the process starts without the Secret, too. */}}
{{- define "clb-direct.cloudEnvironment" -}}
{{- with .root.Values.cloud.credentials.existingSecret }}
- name: TENCENTCLOUD_SECRET_ID
  valueFrom: { secretKeyRef: { name: {{ . }}, key: secretId, optional: {{ $.optional }} } }
- name: TENCENTCLOUD_SECRET_KEY
  valueFrom: { secretKeyRef: { name: {{ . }}, key: secretKey, optional: {{ $.optional }} } }
- name: TENCENTCLOUD_SESSION_TOKEN
  valueFrom: { secretKeyRef: { name: {{ . }}, key: sessionToken, optional: true } }
{{- end }}
{{- with .root.Values.coordinator.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "clb-direct.labels" -}}
app.kubernetes.io/name: clb-direct
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- end }}

{{- define "clb-direct.selector" -}}
app.kubernetes.io/name: clb-direct
app.kubernetes.io/component: {{ . }}
{{- end }}

{{/* Into how many parts the coordinators are divided (coordinator/deployment.yaml). */}}
{{- define "clb-direct.coordinatorParts" -}}
{{- min 3 (int .Values.coordinator.replicas) }}
{{- end }}

{{- define "clb-direct.image" -}}
{{- with .Values.image -}}
{{- if .digest }}{{ .repository }}@{{ .digest }}{{ else }}{{ .repository }}:{{ .tag | default $.Chart.AppVersion }}{{ end }}
{{- end }}
{{- end }}

{{/* Of a Pod: what to pull with. */}}
{{- define "clb-direct.pullSecrets" -}}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{/* Of a container that needs nothing of its node: passes Pod Security "restricted". */}}
{{- define "clb-direct.restrictedContainer" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* Of a Pod that needs nothing of its node. */}}
{{- define "clb-direct.restrictedPod" -}}
runAsNonRoot: true
runAsUser: 65532
runAsGroup: 65532
fsGroup: 65532
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "clb-direct.scrape" -}}
prometheus.io/scrape: "true"
prometheus.io/path: /metrics
prometheus.io/port: {{ . | quote }}
{{- end }}

{{/* Of a Pod with host access: super nodes run none; the coordinators watch their Pods themselves. */}}
{{- define "clb-direct.ordinaryNodes" -}}
nodeAffinity:
  requiredDuringSchedulingIgnoredDuringExecution:
    nodeSelectorTerms:
      - matchExpressions:
          - { key: node.kubernetes.io/instance-type, operator: NotIn, values: [eklet] }
{{- end }}

{{/* Of what `helm uninstall` makes first and takes away when it has succeeded; the lower number first. */}}
{{- define "clb-direct.releaseHook" -}}
helm.sh/hook: pre-delete
helm.sh/hook-weight: {{ . | quote }}
helm.sh/hook-delete-policy: before-hook-creation,hook-succeeded
{{- end }}

{{/* The agent's options, by the names of their environment variables. */}}
{{- define "clb-direct.agentOptions" -}}
{{- with .Values.agent -}}
CLB_DIRECT_COORDINATOR: clb-direct-coordinator.{{ $.Release.Namespace }}.svc:9443
CLB_DIRECT_COORDINATOR_CA_FILE: /etc/clb-direct/ca/ca.crt
CLB_DIRECT_TOKEN_FILE: /var/run/secrets/clb-direct/token
{{- with $.Values.instance.name }}
CLB_DIRECT_INSTANCE: {{ . }}
{{- end }}
CLB_DIRECT_HOOK_PORT: {{ .hookPort | quote }}
CLB_DIRECT_HTTP_LISTEN: 0.0.0.0:{{ .metricsPort }}
CLB_DIRECT_HEALTH_SOCKET: /run/clb-direct/health.sock
CLB_DIRECT_REDIRECT: {{ .redirect.enabled | ternary .redirect.means "off" | quote }}
{{- if .runtimeEvents.enabled }}
CLB_DIRECT_RUNTIME_SOCKET: {{ .runtimeEvents.folder }}/containerd.sock
{{- else }}
CLB_DIRECT_RUNTIME: none
{{- end }}
{{- if .connections.enabled }}
CLB_DIRECT_PROC_ROOT: /host/proc
{{- end }}
CLB_DIRECT_IDLE_CONNECTIONS: {{ .connections.ignoreIdle | quote }}
{{- if not .shutdownNotice.enabled }}
CLB_DIRECT_DBUS_SOCKET: none
{{- end }}
{{- if not .spotNotice.enabled }}
CLB_DIRECT_METADATA_ADDRESS: none
{{- end }}
CLB_DIRECT_DRAIN_SECONDS: {{ .drainSeconds | quote }}
CLB_DIRECT_DRAIN_SECONDS_MAX: {{ .drainSecondsMax | quote }}
{{- if $.Values.webhook.injectAlways }}
CLB_DIRECT_PURE_VPC_CNI: "true"
{{- end }}
CLB_DIRECT_LOG_LEVEL: {{ .logLevel }}
{{- end }}
{{- end }}
