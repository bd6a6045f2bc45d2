{{- define "gvList" -}}
<!-- Generated from the types in api/ by make generate. -->

# API reference

`kubectl explain todoapp.spec` shows the same. [Samples](../config/samples) · [conditions and their reasons](troubleshooting.md)

{{ range . }}{{ template "gvDetails" . }}{{ end -}}
{{- end -}}
