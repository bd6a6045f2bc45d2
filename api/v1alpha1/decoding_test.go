package v1alpha1_test

import (
	"encoding/json"
	"strings"
	"testing"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

const list = `{"metadata": {"resourceVersion": "7"}, "items": [
	{"metadata": {"name": "bad", "generation": 3, "deletionTimestamp": "2026-11-26T10:00:00Z"},
	 "spec": {"frontend": {"image": "web"}, "auth": {"rotation": {"rotateAfter": "2026-11-26t10:00:00z"}}},
	 "status": {"observedGeneration": 2}},
	{"metadata": {"name": "status"}, "spec": {"frontend": {"image": "web"}}, "status": {"keys": [{"createdAt": "soon"}]}},
	{"metadata": {"name": "good"}, "spec": {"frontend": {"image": "web"}}, "status": {"observedGeneration": 2}}
]}`

// TestOneUndecodableAppLeavesTheOthers: a list has every app, and what of each decodes.
func TestOneUndecodableAppLeavesTheOthers(t *testing.T) {
	var apps todov1.TodoAppList
	if err := utiljson.Unmarshal([]byte(list), &apps); err != nil || len(apps.Items) != 3 {
		t.Fatalf("%d apps (%v)", len(apps.Items), err)
	}
	bad, status, good := apps.Items[0], apps.Items[1], apps.Items[2]
	if !strings.Contains(bad.Undecodable, `parsing time "2026-11-26t10:00:00z"`) || bad.Spec.Frontend.Image != "" {
		t.Errorf("the app with a bad spec: %+v", bad)
	}
	if bad.Generation != 3 || bad.DeletionTimestamp.IsZero() || bad.Status.ObservedGeneration != 2 {
		t.Errorf("the app with a bad spec lost what decodes: %+v", bad)
	}
	if status.Undecodable != "" || status.Spec.Frontend.Image != "web" || status.Status.Keys != nil {
		t.Errorf("the app with a bad status: %+v", status)
	}
	if good.Undecodable != "" || good.Spec.Frontend.Image != "web" || good.Status.ObservedGeneration != 2 {
		t.Errorf("the good app: %+v", good)
	}
	if err := utiljson.Unmarshal([]byte(`{"metadata": {"name": 1}}`), &todov1.TodoApp{}); err == nil {
		t.Error("an app without readable metadata is decoded")
	}
	encoded, err := json.Marshal(bad)
	if err != nil || strings.Contains(string(encoded), "parsing") {
		t.Errorf("%s (%v)", encoded, err)
	}
}

// TestADecodedAppReplacesTheOneBefore: clients decode into objects that already hold an older state.
func TestADecodedAppReplacesTheOneBefore(t *testing.T) {
	app := todov1.TodoApp{Undecodable: "before"}
	app.Spec.Frontend.Image = "before"
	if err := utiljson.Unmarshal([]byte(`{"metadata": {"name": "now"}}`), &app); err != nil {
		t.Fatal(err)
	}
	if app.Name != "now" || app.Undecodable != "" || app.Spec.Frontend.Image != "" {
		t.Errorf("%+v", app)
	}
}
