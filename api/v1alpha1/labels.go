package v1alpha1

// Labels and annotations of the objects that the operator makes.
const (
	// LabelApp names the TodoApp that an object belongs to.
	LabelApp = "todoapp.dev/app"
	// LabelComponent is frontend, backend, keyring or ingress.
	LabelComponent = "todoapp.dev/component"
	// AnnotationKeys on a pod lists the versions that it started with, the one that signs first.
	AnnotationKeys = "todoapp.dev/keys"
	// AnnotationRefresh on a pod makes the kubelet renew its mounted Secret.
	AnnotationRefresh = "todoapp.dev/refresh"
	// AnnotationMadeFor on a keyring is the UID of the TodoApp that the keyring was made for.
	AnnotationMadeFor = "todoapp.dev/made-for"
	// AnnotationFoundBy on a keyring is the UID of a later TodoApp of the same name that found the keyring and uses it.
	AnnotationFoundBy = "todoapp.dev/found-by"
	// AnnotationReplaceSecret on a TodoApp names a Secret whose secret may be replaced by the app's.
	AnnotationReplaceSecret = "todoapp.dev/replace-secret"
	// AnnotationAdopt on a Secret, claim or Service hands it over to the TodoApp that it names. The operator then owns, locks and
	// deletes the object like those that it made itself.
	AnnotationAdopt = "todoapp.dev/adopt"
	// AnnotationAllowStorageChange on a TodoApp permits, with the value "true", another kind of storage: tasks are not moved.
	AnnotationAllowStorageChange = "todoapp.dev/allow-storage-change"

	// These are the values of LabelComponent. An Ingress is about both sides.
	ComponentFrontend = "frontend"
	ComponentBackend  = "backend"
	ComponentKeyring  = "keyring"
	ComponentIngress  = "ingress"
)
