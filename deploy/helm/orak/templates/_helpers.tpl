{{- define "orak.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "orak.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else if contains (include "orak.name" .) .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "orak.name" .) | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "orak.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The build id of the workers. */}}
{{- define "orak.buildID" -}}
{{- if .Values.workerVersions.buildId -}}
{{ .Values.workerVersions.buildId }}
{{- else if .Values.image.digest -}}
sha256-{{ .Values.image.digest | trimPrefix "sha256:" | trunc 12 }}
{{- else -}}
{{ .Values.image.tag }}
{{- end -}}
{{- end -}}

{{/* The labels that select the pods of the release. */}}
{{- define "orak.selector" -}}
app.kubernetes.io/name: {{ include "orak.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "orak.labels" -}}
{{ include "orak.selector" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | quote }}
app.kubernetes.io/part-of: orak
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | quote }}
{{- end -}}

{{/*
Ports of a list of host:port, as a comma-separated text without repeats.
*/}}
{{- define "orak.ports" -}}
{{- $ports := list -}}
{{- range . -}}
{{- $ports = append $ports (regexFind "[0-9]+$" .) -}}
{{- end -}}
{{- $ports | uniq | join "," -}}
{{- end -}}

{{/* The brokers of each place of the topic of uploads, separated by semicolons: bridges read both. */}}
{{- define "orak.placesOfUploads" -}}
{{- join "," (.Values.kafka.uploadsBrokers | default .Values.kafka.brokers) -}}
{{- with .Values.kafka.standbyBrokers -}};{{- join "," . -}}{{- end -}}
{{- end -}}

{{/* The port of a URL: the one that it names, or that of its scheme. */}}
{{- define "orak.urlPort" -}}
{{- $host := (urlParse .).host -}}
{{- if regexMatch ":[0-9]+$" $host -}}
{{- regexFind "[0-9]+$" $host -}}
{{- else if hasPrefix "https:" . -}}
443
{{- else -}}
80
{{- end -}}
{{- end -}}

{{/* A rule of egress. Arguments: what (a comment), to (peers; none: anywhere), ports (a,b). */}}
{{- define "orak.egress" -}}
# {{ .what }}.
- ports:
    {{- range splitList "," .ports }}
    - {protocol: TCP, port: {{ . }}}
    {{- end }}
  {{- with .to }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end -}}

{{/* The SASL mechanism as KEDA calls it. */}}
{{- define "orak.kedaSASL" -}}
{{- if or .Values.kafka.sasl.user (eq .Values.kafka.sasl.mechanism "OAUTHBEARER") -}}
{{- get (dict "OAUTHBEARER" "oauthbearer" "SCRAM-SHA-512" "scram_sha512" "SCRAM-SHA-256" "scram_sha256" "PLAIN" "plaintext") .Values.kafka.sasl.mechanism -}}
{{- else -}}
none
{{- end -}}
{{- end -}}

{{/* A quantity in bytes. */}}
{{- define "orak.bytes" -}}
{{- $units := dict "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "" 1 -}}
{{- mulf (regexFind "^[0-9.]+" . | float64) (get $units (regexFind "[A-Za-z]*$" .)) | int64 -}}
{{- end -}}
