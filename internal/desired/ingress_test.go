package desired_test

import (
	"testing"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

func TestFrontendURL(t *testing.T) {
	host := &todov1.IngressSpec{Host: "todo.example.com"}
	secure := &todov1.IngressSpec{Host: "todo.example.com", TLSSecretName: "todo-tls"}
	for name, c := range map[string]struct {
		image, url string
		ingress    *todov1.IngressSpec
		want       string
	}{
		"nothing is known":                             {"web:1", "", nil, ""},
		"what the app says counts":                     {"web:1", "https://www.example.com", host, "https://www.example.com"},
		"the Ingress leads to the frontend":            {"web:1", "", host, "http://todo.example.com"},
		"with a certificate it is https":               {"web:1", "", secure, "https://todo.example.com"},
		"without a frontend the host is the backend's": {"", "", secure, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a := app(func(a *todov1.TodoApp) {
				a.Spec.Frontend.Image, a.Spec.Frontend.URL, a.Spec.Ingress = c.image, c.url, c.ingress
			})
			if got := desired.FrontendURL(a); got != c.want {
				t.Errorf("browsers reach the frontend at %q, expected %q", got, c.want)
			}
		})
	}
}
