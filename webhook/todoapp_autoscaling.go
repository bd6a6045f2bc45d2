package webhook

import (
	"fmt"

	"k8s.io/utils/ptr"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// warnReplicas warns about replicas that an autoscaler overrules. The default of 1 may not be the user's.
func warnReplicas(app *todov1.TodoApp) []string {
	var warnings []string
	warn := func(component string, replicas *int32, scaling *todov1.AutoscalingSpec) {
		if scaling != nil && ptr.Deref(replicas, 1) != 1 {
			warnings = append(warnings, fmt.Sprintf(
				"spec.%s.replicas: autoscaling sets the number of pods, so %d is ignored: remove it", component, *replicas))
		}
	}
	warn("frontend", app.Spec.Frontend.Replicas, app.Spec.Frontend.Autoscaling)
	warn("backend", app.Spec.Backend.Replicas, app.Spec.Backend.Autoscaling)
	return warnings
}
