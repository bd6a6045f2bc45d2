package webhook_test

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func TestSmoke(t *testing.T) {
	app := &todov1.TodoApp{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}
	app.Spec.Frontend.URL = "http://x.com"
	if err := admin.Create(t.Context(), app); err != nil {
		t.Fatal(err)
	}
}
