{{/*
What the roles differ in, as YAML: the key in the values, the component of names and labels,
the command, and the servers that the role reaches. Every role reaches Kafka, the store and
Temporal: it keeps the control documents, whose snapshot is in the store, and reports outages.
*/}}
{{- define "orak.roles" -}}
api:
  component: api
  command: [api]
  # The pod goes on serving while it is taken out of the Service.
  preStopSeconds: 10
  uses: [database, issuer, tracing]
  secrets: [database, webhookKeys]
bridge:
  component: bridge
  command: [bridge]
  group: orak-bridge
  topics: [orak.uploads]
  uses: [alerts, tracing]
  secrets: [alerts]
worker:
  component: worker
  command: [worker]
  queues: orak-pipeline,orak-convert
  uses: [engine, alerts, tracing]
  secrets: [alerts]
gpuWorker:
  component: worker-gpu
  command: [worker]
  queues: orak-gpu
  uses: [engine, tracing]
index:
  component: index
  command: [index]
  group: orak-index
  topics: [orak.uploads, orak.lifecycle, orak.audit]
  uses: [database, alerts, tracing]
  secrets: [database, alerts]
lake:
  component: lake
  command: [lake]
  group: orak-lake
  topics: [orak.lifecycle]
  uses: [alerts, tracing]
  secrets: [alerts]
webhooks:
  component: webhooks
  command: [webhooks]
  group: orak-webhooks
  topics: [orak.lifecycle]
  uses: [alerts, tracing, receivers]
  secrets: [webhookKeys, alerts]
{{- end -}}

{{/*
The role of a call: what the templates of a role are given. Arguments: root, key.
Its time to stop is a chain in which each link is longer than the one before:
  finishSeconds                  running steps go on
  ORAK_WORKER_STOP_TIMEOUT       twice that: interrupted ones are handed back
  ORAK_SHUTDOWN_TIMEOUT          30 s more: the rest of the process
  terminationGracePeriodSeconds  15 s more, and the sleep before all of it
*/}}
{{- define "orak.role" -}}
{{- $values := index .root.Values .key -}}
{{- $role := index (include "orak.roles" .root | fromYaml) .key -}}
{{- $preStop := int (get $role "preStopSeconds" | default 0) -}}
{{- $drain := int (get $values "drainSeconds" | default 0) -}}
{{- if hasKey $values "finishSeconds" -}}
{{- $_ := set $role "stopSeconds" (mul 2 (int $values.finishSeconds)) -}}
{{- $drain = add 30 (mul 2 (int $values.finishSeconds)) -}}
{{- end -}}
{{- $_ := set $role "key" .key -}}
{{- $_ := set $role "name" (printf "%s-%s" (include "orak.fullname" .root) $role.component) -}}
{{- $_ := set $role "drainSeconds" $drain -}}
{{- $_ := set $role "graceSeconds" (add 15 $drain $preStop) -}}
{{- toYaml $role -}}
{{- end -}}

{{- define "orak.role.selector" -}}
{{ include "orak.selector" .root }}
app.kubernetes.io/component: {{ .role.component }}
{{- end -}}

{{- define "orak.role.labels" -}}
{{ include "orak.labels" .root }}
app.kubernetes.io/component: {{ .role.component }}
{{- end -}}

{{/*
The secrets of a role, as a YAML list of variable (which gets the path of the file), name, key
and file.
*/}}
{{- define "orak.role.secrets" -}}
{{- $v := .root.Values -}}
{{- $of := .role.secrets | default list -}}
{{- $files := list -}}
{{- if eq $v.s3.credentials "keys" -}}
{{- $files = append $files (dict "variable" "ORAK_S3_SECRET_KEY_FILE" "name" $v.s3.existingSecret.name "key" $v.s3.existingSecret.key) -}}
{{- end -}}
{{- if $v.kafka.sasl.user -}}
{{- $files = append $files (dict "variable" "ORAK_KAFKA_PASSWORD_FILE" "name" $v.kafka.sasl.existingSecret.name "key" $v.kafka.sasl.existingSecret.key) -}}
{{- end -}}
{{- if $v.temporal.existingSecret.name -}}
{{- $files = append $files (dict "variable" "ORAK_TEMPORAL_API_KEY_FILE" "name" $v.temporal.existingSecret.name "key" $v.temporal.existingSecret.key) -}}
{{- end -}}
{{- /* Every role: one without the keys could not read what another wrote. */ -}}
{{- if $v.temporal.codecKeys.name -}}
{{- $files = append $files (dict "variable" "ORAK_TEMPORAL_CODEC_KEYS_FILE" "name" $v.temporal.codecKeys.name "key" $v.temporal.codecKeys.key) -}}
{{- end -}}
{{- if and (has "database" $of) $v.database.existingSecret.name -}}
{{- $files = append $files (dict "variable" "ORAK_INDEX_URL_FILE" "name" $v.database.existingSecret.name "key" $v.database.existingSecret.key) -}}
{{- end -}}
{{- if and (has "webhookKeys" $of) $v.webhookKeys.existingSecret.name -}}
{{- $files = append $files (dict "variable" "ORAK_WEBHOOKS_KEYS_FILE" "name" $v.webhookKeys.existingSecret.name "key" $v.webhookKeys.existingSecret.key) -}}
{{- end -}}
{{- if and (has "alerts" $of) $v.alerts.existingSecret.name -}}
{{- $files = append $files (dict "variable" "ORAK_ALERT_WEBHOOK_URL_FILE" "name" $v.alerts.existingSecret.name "key" $v.alerts.existingSecret.key) -}}
{{- end -}}
{{- range $v.secretFiles -}}
{{- if or (not .roles) (has $.role.key .roles) -}}
{{- $files = append $files (dict "variable" .variable "name" .name "key" .key) -}}
{{- end -}}
{{- end -}}
{{- range $files -}}
{{- $_ := set . "file" (.variable | trimSuffix "_FILE" | trimPrefix "ORAK_" | lower | replace "_" "-") -}}
{{- end -}}
{{- toYaml $files -}}
{{- end -}}

{{/* The environment of a role, as a YAML map; a role's own config wins over that of all. */}}
{{- define "orak.role.environment" -}}
{{- $v := .root.Values -}}
{{- $own := index $v .role.key -}}
{{- $env := dict
  "ORAK_LOG_FORMAT" "json"
  "ORAK_ADMIN_LISTEN" ":9464"
  "ORAK_SHUTDOWN_TIMEOUT" (printf "%ds" (int .role.drainSeconds))
  "ORAK_KAFKA_BROKERS" (join "," $v.kafka.brokers)
  "ORAK_KAFKA_TLS" (toString $v.kafka.tls)
  "ORAK_KAFKA_REPLICATION_FACTOR" (toString (int $v.kafka.replicationFactor))
  "ORAK_S3_ENDPOINT" $v.s3.endpoint
  "ORAK_S3_BUCKET" $v.s3.bucket
  "ORAK_S3_REGION" $v.s3.region
  "ORAK_S3_TLS" (toString $v.s3.tls)
  "ORAK_S3_CREDENTIALS" $v.s3.credentials
  "ORAK_TEMPORAL_ADDRESS" $v.temporal.address
  "ORAK_TEMPORAL_NAMESPACE" $v.temporal.namespace
  "ORAK_TEMPORAL_TLS" (toString $v.temporal.tls)
  "ORAK_TEMPORAL_WEB_UI" $v.temporal.webUI
-}}
{{- if eq $v.s3.credentials "keys" -}}
{{- $_ := set $env "ORAK_S3_ACCESS_KEY" $v.s3.accessKey -}}
{{- end -}}
{{- with $v.kafka.uploadsBrokers -}}
{{- $_ := set $env "ORAK_KAFKA_UPLOADS_BROKERS" (join "," .) -}}
{{- end -}}
{{- with $v.kafka.standbyBrokers -}}
{{- $_ := set $env "ORAK_KAFKA_STANDBY_BROKERS" (join "," .) -}}
{{- end -}}
{{- if $v.kafka.sasl.user -}}
{{- $_ := set $env "ORAK_KAFKA_USER" $v.kafka.sasl.user -}}
{{- end -}}
{{- if or $v.kafka.sasl.user (eq $v.kafka.sasl.mechanism "OAUTHBEARER") -}}
{{- $_ := set $env "ORAK_KAFKA_SASL" $v.kafka.sasl.mechanism -}}
{{- end -}}
{{- if $v.publicURL -}}
{{- $_ := set $env "ORAK_CONSOLE_URL" $v.publicURL -}}
{{- $_ := set $env "ORAK_WEBHOOKS_PUBLIC_URL" $v.publicURL -}}
{{- end -}}
{{- if $v.tracing.endpoint -}}
{{- $_ := set $env "OTEL_EXPORTER_OTLP_ENDPOINT" $v.tracing.endpoint -}}
{{- end -}}
{{- if eq .role.key "api" -}}
{{- $_ := set $env "ORAK_API_ADDR" ":8080" -}}
{{- $_ := set $env "ORAK_AUTH" $v.auth -}}
{{- if $v.s3.publicEndpoint -}}
{{- $_ := set $env "ORAK_S3_PUBLIC_ENDPOINT" $v.s3.publicEndpoint -}}
{{- end -}}
{{- end -}}
{{- if .role.queues -}}
{{- $_ := set $env "ORAK_WORKER_QUEUES" .role.queues -}}
{{- $_ := set $env "ORAK_WORKER_STOP_TIMEOUT" (printf "%ds" (int .role.stopSeconds)) -}}
{{- $_ := set $env "ORAK_SCRATCH_DIR" "/scratch" -}}
{{- $_ := set $env "ORAK_ENGINE" $v.engine.name -}}
{{- if $v.engine.url -}}
{{- $_ := set $env "ORAK_MODEL_SERVER_URL" $v.engine.url -}}
{{- end -}}
{{- end -}}
{{- if and $v.workerVersions.enabled (or .role.queues (eq .role.key "webhooks")) -}}
{{- $_ := set $env "ORAK_WORKER_DEPLOYMENT" ($v.workerVersions.deployment | default (include "orak.fullname" .root)) -}}
{{- $_ := set $env "ORAK_WORKER_BUILD_ID" (include "orak.buildID" .root) -}}
{{- end -}}
{{- if eq .role.key "worker" -}}
{{- $_ := set $env "ORAK_CONVERT_SLOTS" (toString (int $own.slots)) -}}
{{- else if eq .role.key "gpuWorker" -}}
{{- $_ := set $env "ORAK_GPU_SLOTS" (toString (int $own.slots)) -}}
{{- else if eq .role.key "webhooks" -}}
{{- $ports := list -}}
{{- range $v.networkPolicy.webhookPorts }}{{ $ports = append $ports (toString (int .)) }}{{ end -}}
{{- $_ := set $env "ORAK_WEBHOOKS_PORTS" (join "," $ports) -}}
{{- end -}}
{{- range include "orak.role.secrets" . | fromYamlArray -}}
{{- $_ := set $env .variable (printf "/run/secrets/orak/%s" .file) -}}
{{- end -}}
{{- toYaml (mergeOverwrite $env (deepCopy $v.config) (deepCopy $own.config)) -}}
{{- end -}}
