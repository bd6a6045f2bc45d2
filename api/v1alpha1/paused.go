package v1alpha1

// Paused reports whether the annotation todoapp.dev/paused stops the operator. Only the value "true" does.
func (a *TodoApp) Paused() bool { return a.Annotations[AnnotationPaused] == "true" }
