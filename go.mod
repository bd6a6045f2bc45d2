module github.com/todoapp-operator/todoapp-operator

go 1.26.0

require (
	github.com/golang-jwt/jwt/v5 v5.3.1
	k8s.io/api v0.37.2
	k8s.io/apimachinery v0.37.2
	k8s.io/client-go v0.37.2
	sigs.k8s.io/controller-runtime v0.25.2
)
