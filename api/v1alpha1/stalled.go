package v1alpha1

// Stalled reports whether a reason of Ready calls for a change by a person, so that waiting does not help. The condition Stalled
// is true then, by which kstatus, Flux and Argo CD stop to wait.
func Stalled(reason string) bool {
	switch reason {
	case ReasonSecretsDiffer, ReasonSecretUnusable, ReasonSecretClaimed, ReasonSecretConflict, ReasonForeignObject,
		ReasonKeyringUnreadable, ReasonImageUnavailable, ReasonCrashing, ReasonForbidden, ReasonVolumeMismatch, ReasonStoreFull,
		ReasonSpecUndecodable:
		return true
	}
	return false
}
