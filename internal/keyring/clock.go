package keyring

import "time"

// clockTolerance is the longest time that CreatedAt may be ahead without being corrected. The clocks of two managers differ.
const clockTolerance = time.Minute

// reached returns a moment of the policy if it is not in the future, and the zero time otherwise.
func (in Inputs) reached(moment time.Time) time.Time {
	if in.Now.Before(moment) {
		return time.Time{}
	}
	return moment
}

// newKey returns a key of the next version that is created now.
func (r Ring) newKey(in Inputs, value Value) Key {
	return in.stamped(Key{Version: r.nextVersion(in), Value: value, CreatedAt: in.Now})
}

// stamped records on a key the moments of the policy that have been reached.
func (in Inputs) stamped(k Key) Key {
	k.RotateAfter, k.RevokeBefore = in.reached(in.Policy.RotateAfter), in.reached(in.Policy.RevokeBefore)
	return k
}

// madeBefore reports whether a key was created before a moment of the policy that has been reached. The argument noted is the
// moment that is recorded on the key. If CreatedAt is in the future, the clock was wrong. The key then counts as older, unless
// it was created for this very moment.
func (in Inputs) madeBefore(k Key, moment, noted time.Time) bool {
	if moment.IsZero() || in.Now.Before(moment) || moment.Equal(noted) {
		return false
	}
	return k.CreatedAt.Before(moment) || k.CreatedAt.After(in.Now)
}

// correct sets a CreatedAt in the future to now, so that the schedule counts from now. If a rotation is due, correct waits for it:
// the key counts as older than the moment that asks for the rotation. It also sets a DemotedAt to now if it is further
// ahead than a token lives: otherwise the key stays trusted until then. A smaller error may be that of the present clock, and to
// correct it could retire the key early.
func correct(ring Ring, in Inputs) (Ring, []int64) {
	_, due := ring.due(in)
	var corrected []int64
	for _, k := range ring.Keys {
		before := k
		if !due && k.CreatedAt.After(in.Now.Add(clockTolerance)) {
			k.CreatedAt = in.Now
		}
		if k.DemotedAt.After(in.Now.Add(in.Policy.Validity())) {
			k.DemotedAt = in.Now
		}
		if k.RevokedAt.IsZero() && k != before {
			ring, corrected = ring.with(k), append(corrected, k.Version)
		}
	}
	return ring, corrected
}
