{{- define "type_members" -}}
{{- if eq .Name "metadata" }}its name is a DNS label of at most 63 characters{{ else }}{{ markdownRenderFieldDoc (.Doc | replace "\n" " " | replace "<" "&lt;") }}{{ end -}}
{{- end -}}
