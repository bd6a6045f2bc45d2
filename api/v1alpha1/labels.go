package v1alpha1

// These are the labels and annotations that the operator sets or reads.
const (
	// LabelApp names the TodoApp that an object belongs to.
	LabelApp = "todoapp.dev/app"
	// LabelShard on a TodoApp names the operator's shard that reconciles it. The app's objects get the same label.
	LabelShard = "todoapp.dev/shard"
	// LabelComponent says which component an object belongs to: frontend, backend, keyring or ingress.
	LabelComponent = "todoapp.dev/component"
	// AnnotationKeys on a pod lists the versions that it started with; the first signs.
	AnnotationKeys = "todoapp.dev/keys"
	// AnnotationRevokedBefore on a component's Secret is the last moment of revocation that was carried out before it was written.
	AnnotationRevokedBefore = "todoapp.dev/revoked-before"
	// AnnotationRefresh on a pod makes the kubelet renew its mounted Secret.
	AnnotationRefresh = "todoapp.dev/refresh"
	// AnnotationMadeFor on a keyring is the UID of the TodoApp that the keyring was made for.
	AnnotationMadeFor = "todoapp.dev/made-for"
	// AnnotationFoundBy on a keyring is the UID of a later TodoApp of the same name that found the keyring and uses it.
	AnnotationFoundBy = "todoapp.dev/found-by"
	// AnnotationReplaceSecret on a TodoApp names a Secret whose keys the operator may replace by the app's.
	AnnotationReplaceSecret = "todoapp.dev/replace-secret"
	// AnnotationAdopt on a Secret, claim or Service hands it over to the TodoApp that it names. The operator then owns, locks and
	// deletes the object as if it had made it.
	AnnotationAdopt = "todoapp.dev/adopt"
	// AnnotationInherited on a keyring lists the labels and annotations that it has of spec.inheritedMetadata.
	AnnotationInherited = "todoapp.dev/inherited"
	// AnnotationSources on a Deployment is a digest of what its pods read of databases when they start, and on its pods the digest
	// of the last change.
	AnnotationSources = "todoapp.dev/sources"
	// AnnotationPaused on a TodoApp stops, with the value "true", every write for the app but that of its status.
	AnnotationPaused = "todoapp.dev/paused"
	// AnnotationAllowStorageChange on a TodoApp permits, with the value "true", another kind of storage: tasks are not moved.
	AnnotationAllowStorageChange = "todoapp.dev/allow-storage-change"

	// These are the values of LabelComponent. An Ingress belongs to both components.
	ComponentFrontend = "frontend"
	ComponentBackend  = "backend"
	ComponentKeyring  = "keyring"
	ComponentIngress  = "ingress"
)
