{{/* Names are fixed, so a second installation in one cluster fails at once instead of competing with the first. */}}
{{- define "todoapp-operator.labels" -}}
app.kubernetes.io/name: todoapp-operator
{{ include "todoapp-operator.release" . }}
{{- end }}

{{/* The labels that say which release an object belongs to. */}}
{{- define "todoapp-operator.release" -}}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* The IP families of a Service, as lines of its spec. */}}
{{- define "todoapp-operator.ipFamilies" }}
{{- with .Values.service.ipFamilyPolicy }}
  ipFamilyPolicy: {{ . }}
{{- end }}
{{- with .Values.service.ipFamilies }}
  ipFamilies: {{ toJson . }}
{{- end }}
{{- end }}

{{/* The image. A given registry takes the place of the registry in the repository, if the repository names one. */}}
{{- define "todoapp-operator.image" -}}
{{- with .Values.image -}}
{{- $name := .repository }}
{{- with ($.Values.global).imageRegistry | default .registry }}
{{- $name = printf "%s/%s" . (regexReplaceAll "^(localhost|[^/]*[.:][^/]*)/" $name "") }}
{{- end }}
{{- $name }}:{{ .tag | default $.Chart.AppVersion }}{{ with .digest }}@{{ . }}{{ end }}
{{- end }}
{{- end }}

{{/* The names of the pull Secrets of the global values and of a list, each as a name or an object, separated by commas. */}}
{{- define "todoapp-operator.pullSecretNames" -}}
{{- $names := list }}
{{- range concat ((.root.Values.global).imagePullSecrets | default list) (.list | default list) }}
{{- if kindIs "string" . }}{{ $names = append $names . }}{{ else }}{{ $names = append $names .name }}{{ end }}
{{- end }}
{{- uniq $names | join "," }}
{{- end }}

{{/* The pull Secrets of the managers. Empty if there are none. */}}
{{- define "todoapp-operator.imagePullSecrets" -}}
{{- $secrets := list }}
{{- range splitList "," (include "todoapp-operator.pullSecretNames" (dict "root" . "list" .Values.imagePullSecrets)) }}
{{- with . }}{{ $secrets = append $secrets (dict "name" .) }}{{ end }}
{{- end }}
{{- with $secrets }}{{ toYaml . }}{{ end }}
{{- end }}

{{/* The objects of one of the files that config has too, by kind, for this namespace. */}}
{{- define "todoapp-operator.objects" -}}
{{- $found := dict }}
{{- range (.Files.Get .file | trimPrefix "---\n" | replace "todoapp-system" .Release.Namespace | splitList "\n---\n") }}
{{- $object := fromYaml . }}
{{- $_ := set $found $object.kind $object }}
{{- end }}
{{- toYaml $found }}
{{- end }}

{{/* Not empty if the platform chooses the users of pods. */}}
{{- define "todoapp-operator.platformUsers" -}}
{{- $found := .Capabilities.APIVersions.Has "security.openshift.io/v1" }}
{{- if eq (toString .Values.openshift) "auto" | ternary $found (eq (toString .Values.openshift) "true") }}true{{ end }}
{{- end }}

{{- define "todoapp-operator.podSecurityContext" -}}
{{- if include "todoapp-operator.platformUsers" . }}
{{- toYaml (omit .Values.podSecurityContext "runAsUser" "runAsGroup" "fsGroup") }}
{{- else }}
{{- toYaml .Values.podSecurityContext }}
{{- end }}
{{- end }}
