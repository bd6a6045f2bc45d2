{{- define "gvDetails" -}}
{{ range $kind := .SortedKinds }}{{ template "type" $.TypeForKind $kind }}{{ end -}}
{{ range .SortedTypes }}{{ if not .GVK }}{{ template "type" . }}{{ end }}{{ end -}}
{{- end -}}
