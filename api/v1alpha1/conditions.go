package v1alpha1

// These are the types of conditions. True is good, except for Paused and Stalled, which are absent unless they are true.
const (
	// ConditionReady: the stack serves with agreed keys. It sums up KeysInSync, BackendAvailable and FrontendAvailable.
	ConditionReady = "Ready"
	// ConditionKeysInSync: both Secrets hold what the keyring says.
	ConditionKeysInSync = "KeysInSync"
	// ConditionBackendAvailable: the backend has its pods.
	ConditionBackendAvailable = "BackendAvailable"
	// ConditionFrontendAvailable: the frontend has its pods, or the operator does not run it.
	ConditionFrontendAvailable = "FrontendAvailable"
	// ConditionRotationComplete: one key is in use and every pod has taken it up.
	ConditionRotationComplete = "RotationComplete"
	// ConditionKeysStrong: no key that tokens or sessions are accepted under can be guessed; absent while there are no keys.
	ConditionKeysStrong = "KeysStrong"
	// ConditionSourceValid: the external source holds a usable value; absent without a source.
	ConditionSourceValid = "SourceValid"
	// ConditionAutoscalerActive: the operator's autoscalers can compute the number of pods; absent without any.
	ConditionAutoscalerActive = "AutoscalerActive"
	// ConditionRouteAccepted: every Gateway of the app serves its route; absent without spec.gateway.
	ConditionRouteAccepted = "RouteAccepted"
	// ConditionPaused: the annotation todoapp.dev/paused stops the operator; status.plan lists what it would do.
	ConditionPaused = "Paused"
	// ConditionStalled: the app is not ready, and waiting does not help; its reason is that of Ready.
	ConditionStalled = "Stalled"
)

// These are the reasons of KeysInSync, and of Ready if KeysInSync is the cause.
const (
	// ReasonInSync: nothing to do.
	ReasonInSync = "InSync"
	// ReasonSecretsDiffer: the two Secrets held different secrets before the operator had keys of its own.
	ReasonSecretsDiffer = "SecretsDiffer"
	// ReasonSecretUnusable: a Secret to adopt holds a value that BETTER_AUTH_SECRETS cannot carry, or contradicts itself.
	ReasonSecretUnusable = "SecretUnusable"
	// ReasonSecretClaimed: a referenced Secret belongs to another TodoApp.
	ReasonSecretClaimed = "SecretClaimed"
	// ReasonSecretConflict: a referenced Secret holds a secret that is not the app's, and nothing permits replacing it.
	ReasonSecretConflict = "SecretConflict"
	// ReasonForeignObject: an object under one of the app's names was not made for the app, and was not handed over to it.
	ReasonForeignObject = "ForeignObject"
	// ReasonKeyringUnreadable: the keyring Secret was changed to something that is no keyring.
	ReasonKeyringUnreadable = "KeyringUnreadable"
	// ReasonKeyringRestored: the keyring was restored from a backup, and missing keys were read from the other two Secrets.
	ReasonKeyringRestored = "KeyringRestored"
	// ReasonKeysLost: pods or a Secret hold a key that the keyring lacks, so its tokens and sessions end.
	ReasonKeysLost = "KeysLost"
	// ReasonSourceMissing: the source Secret or its entry does not exist.
	ReasonSourceMissing = "SourceMissing"
)

// These are the reasons of KeysStrong.
const (
	// ReasonStrong: every key in use is as strong as a generated one should be.
	ReasonStrong = "Strong"
	// ReasonWeakKey: an adopted key in use is too short, too regular or a placeholder; the message says which.
	ReasonWeakKey = "WeakKey"
)

// These are the reasons of SourceValid, besides SourceMissing and SecretClaimed.
const (
	// ReasonValid: the source holds a usable value.
	ReasonValid = "Valid"
	// ReasonSourceInvalid: the source holds a weak or unusable value.
	ReasonSourceInvalid = "SourceInvalid"
	// ReasonSourceReverted: the source holds a value that was replaced or revoked before.
	ReasonSourceReverted = "SourceReverted"
)

// These are the reasons of BackendAvailable and FrontendAvailable, and of Ready if one of these is the cause.
const (
	// ReasonAvailable: all pods are ready.
	ReasonAvailable = "Available"
	// ReasonNotManaged: the operator does not run this component.
	ReasonNotManaged = "NotManaged"
	// ReasonScaledToZero: no pods are asked for.
	ReasonScaledToZero = "ScaledToZero"
	// ReasonProgressing: pods are starting or being replaced.
	ReasonProgressing = "Progressing"
	// ReasonImageUnavailable: the image cannot be pulled.
	ReasonImageUnavailable = "ImageUnavailable"
	// ReasonVolumePending: the data volume cannot be bound.
	ReasonVolumePending = "VolumePending"
	// ReasonMountFailed: a volume of a pod cannot be attached or mounted.
	ReasonMountFailed = "MountFailed"
	// ReasonPaused: the rollout of the Deployment is paused, or the app is paused by the annotation todoapp.dev/paused.
	ReasonPaused = "Paused"
	// ReasonVolumeMismatch: the data volume's claim exists in a form that the spec does not ask for and that cannot change.
	ReasonVolumeMismatch = "VolumeMismatch"
	// ReasonSecretMissing: a Secret or ConfigMap that the pods need does not exist or lacks its entry.
	ReasonSecretMissing = "SecretMissing"
	// ReasonCrashing: the container exits again and again.
	ReasonCrashing = "Crashing"
	// ReasonUnschedulable: no node takes a pod.
	ReasonUnschedulable = "Unschedulable"
	// ReasonForbidden: the cluster refuses the pods, by quota, Pod Security or another policy.
	ReasonForbidden = "Forbidden"
	// ReasonStoreFull: the volume or database of the tasks is full, so tasks can be read and deleted only.
	ReasonStoreFull = "StoreFull"
	// ReasonNotReady: pods run and do not become ready.
	ReasonNotReady = "NotReady"
)

// These are the reasons of RotationComplete.
const (
	// ReasonComplete: one key is in use.
	ReasonComplete = "Complete"
	// ReasonWaitingForPods: pods have not taken up the keys yet; the message names them.
	ReasonWaitingForPods = "WaitingForPods"
	// ReasonRevocationPending: keys are to be revoked and something keeps the operator from it, or the keyring was lost and
	// nothing proves that they were revoked.
	ReasonRevocationPending = "RevocationPending"
	// ReasonHandover: a frontend that the operator does not run has time to take up the key.
	ReasonHandover = "Handover"
	// ReasonDraining: tokens signed with a replaced key are accepted until they have expired.
	ReasonDraining = "Draining"
	// ReasonTooManyKeys: a rotation is due and waits until a replaced key has retired: the API trusts three at most.
	ReasonTooManyKeys = "TooManyKeys"
	// ReasonQueued: a rotation is due and waits because many other apps begin one.
	ReasonQueued = "Queued"
)

// These are the reasons of AutoscalerActive, besides Progressing.
const (
	// ReasonScaling: the autoscaler sets the number of pods.
	ReasonScaling = "Scaling"
	// ReasonNotScaling: the autoscaler cannot work; the message says why.
	ReasonNotScaling = "NotScaling"
)

// These are the reasons of RouteAccepted.
const (
	// ReasonAccepted: every Gateway serves the route.
	ReasonAccepted = "Accepted"
	// ReasonRouteRefused: a Gateway does not serve the route; the message says which and why.
	ReasonRouteRefused = "RouteRefused"
	// ReasonGatewayPending: no controller has answered for a Gateway.
	ReasonGatewayPending = "GatewayPending"
	// ReasonGatewayAPIMissing: the cluster lacks the Gateway API.
	ReasonGatewayAPIMissing = "GatewayAPIMissing"
)

// These are reasons of Ready alone.
const (
	// ReasonReady: everything is as asked.
	ReasonReady = "Ready"
	// ReasonApplyFailed: the API server refused an object; the message says which and why.
	ReasonApplyFailed = "ApplyFailed"
	// ReasonSpecUndecodable: the stored spec holds a value that an older schema admitted and the operator cannot decode.
	ReasonSpecUndecodable = "SpecUndecodable"
)
