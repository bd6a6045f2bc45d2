{{- define "type" -}}
{{- if markdownShouldRenderType . -}}
## {{ .Name }}

{{ .Doc }}
{{ if .SortedReferences }}
Part of {{ range $i, $r := .SortedReferences }}{{ if $i }}, {{ end }}{{ markdownRenderTypeLink $r }}{{ end }}.
{{ end }}
{{ if .Members -}}
| field | |
| --- | --- |
{{ if .GVK -}}
| `apiVersion` _string_ | `{{ .GVK.Group }}/{{ .GVK.Version }}` |
| `kind` _string_ | `{{ .GVK.Kind }}` |
{{ end -}}
{{ range .Members -}}
| `{{ .Name }}` _{{ markdownRenderType .Type }}_ | {{ template "type_members" . }} |
{{ end }}
{{ end -}}
{{ if .EnumValues -}}
| value | |
| --- | --- |
{{ range .EnumValues -}}
| `{{ .Name }}` | {{ markdownRenderFieldDoc (.Doc | replace "\n" " " | replace "<" "&lt;") }} |
{{ end }}
{{ end -}}
{{- end -}}
{{- end -}}
