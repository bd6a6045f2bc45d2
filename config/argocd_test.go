package config

import (
	"strings"
	"testing"

	lua "github.com/yuin/gopher-lua"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// conditions maps types of conditions to their status and reason.
type conditions map[string][2]string

// health runs the check of Argo CD on an app of generation 2.
func health(t *testing.T, observed int, all conditions) (status, message string) {
	t.Helper()
	state := lua.NewState()
	defer state.Close()
	object, meta, list, of := state.NewTable(), state.NewTable(), state.NewTable(), state.NewTable()
	meta.RawSetString("generation", lua.LNumber(2))
	object.RawSetString("metadata", meta)
	for kind, c := range all {
		entry := state.NewTable()
		entry.RawSetString("type", lua.LString(kind))
		entry.RawSetString("status", lua.LString(c[0]))
		entry.RawSetString("reason", lua.LString(c[1]))
		entry.RawSetString("message", lua.LString("message of "+kind))
		list.Append(entry)
	}
	if observed != 0 {
		of.RawSetString("observedGeneration", lua.LNumber(observed))
		of.RawSetString("conditions", list)
		object.RawSetString("status", of)
	}
	state.SetGlobal("obj", object)
	if err := state.DoString(string(read(t, "argocd/health.lua"))); err != nil {
		t.Fatal(err)
	}
	got, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the check returned %v", state.Get(-1))
	}
	return got.RawGetString("status").String(), got.RawGetString("message").String()
}

func TestHealthForArgoCD(t *testing.T) {
	for name, c := range map[string]struct {
		observed        int
		all             conditions
		status, message string
	}{
		"without a status":         {0, nil, "Progressing", "not reconciled yet"},
		"with the default status":  {-1, nil, "Progressing", "not reconciled yet"},
		"with an outdated status":  {1, conditions{"Ready": {"True", "Ready"}}, "Progressing", "not reconciled yet"},
		"ready":                    {2, conditions{"Ready": {"True", "Ready"}}, "Healthy", "message of Ready"},
		"starting":                 {2, conditions{"Ready": {"False", "Progressing"}}, "Progressing", "message of Ready"},
		"not ready":                {2, conditions{"Ready": {"False", "NotReady"}}, "Degraded", "message of Ready"},
		"with a paused Deployment": {2, conditions{"Ready": {"False", "Paused"}}, "Degraded", "message of Ready"},
		"stalled": {2, conditions{"Ready": {"False", "Crashing"}, "Stalled": {"True", "Crashing"}}, "Degraded",
			"message of Stalled"},
		"paused": {2, conditions{"Ready": {"True", "Ready"}, "Paused": {"True", "Paused"}}, "Suspended", "message of Paused"},
		"paused with a revocation": {2, conditions{"Ready": {"False", "Paused"}, "Paused": {"True", "Paused"}}, "Suspended",
			"message of Ready"},
		"paused and stalled": {2, conditions{"Ready": {"False", "Crashing"}, "Stalled": {"True", "Crashing"},
			"Paused": {"True", "Paused"}}, "Degraded", "message of Stalled"},
	} {
		t.Run(name, func(t *testing.T) {
			if status, message := health(t, c.observed, c.all); status != c.status || message != c.message {
				t.Errorf("%s %q, want %s %q", status, message, c.status, c.message)
			}
		})
	}
}

// TestDocsShowTheHealthCheck fails if the page on GitOps shows another check than the tested one, or does not name a reason of
// Stalled.
func TestDocsShowTheHealthCheck(t *testing.T) {
	page := string(read(t, "../docs/gitops.md"))
	if !strings.Contains(page, "```lua\n"+string(read(t, "argocd/health.lua"))+"```") {
		t.Error("docs/gitops.md does not show config/argocd/health.lua")
	}
	_, listed, _ := strings.Cut(string(read(t, "../docs/troubleshooting.md")), "then stop to wait. These\nare the reasons:")
	listed, _, _ = strings.Cut(listed, ".\n")
	for _, reason := range strings.Split(string(read(t, "../api/v1alpha1/conditions.go")), `"`) {
		if named := strings.Contains(listed, "`"+reason+"`"); !strings.ContainsAny(reason, " \n") && named != todov1.Stalled(reason) {
			t.Errorf("troubleshooting.md lists %s under Stalled: %t, and the condition: %t", reason, named, todov1.Stalled(reason))
		}
	}
}
