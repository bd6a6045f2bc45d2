package webhook

import (
	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

func scaled(replicas int32) func(*todov1.TodoApp) {
	return func(app *todov1.TodoApp) {
		app.Spec.Backend.Replicas = new(replicas)
		app.Spec.Backend.Autoscaling = &todov1.AutoscalingSpec{MaxReplicas: new(int32(5))}
	}
}

var autoscalingCases = map[string]todoAppCase{
	"autoscaling with the default replicas": {app: todoApp(scaled(1))},
	"autoscaling beside replicas": {
		app: todoApp(scaled(3)), warning: "spec.backend.replicas: autoscaling sets the number of pods, so 3 is ignored: remove it",
	},
}
