package keyring

import "time"

// clockTolerance is how far CreatedAt may lie ahead before it is corrected: the clocks of two managers differ a little.
const clockTolerance = time.Minute

// come returns a moment of the policy if it has come, and the zero time otherwise.
func (in Inputs) come(moment time.Time) time.Time {
	if in.Now.Before(moment) {
		return time.Time{}
	}
	return moment
}

// newKey returns a key of the next version that was made now.
func (r Ring) newKey(in Inputs, value Value) Key {
	return in.stamped(Key{Version: r.nextVersion(in), Value: value, CreatedAt: in.Now})
}

// stamped returns a key that notes the moments of the policy that have come.
func (in Inputs) stamped(k Key) Key {
	k.RotateAfter, k.RevokeBefore = in.come(in.Policy.RotateAfter), in.come(in.Policy.RevokeBefore)
	return k
}

// madeBefore reports whether a key was made before a moment of the policy that has come; noted is the one that had come when
// the key was made. CreatedAt tells, unless it lies ahead of now: then the clock was wrong, and the key counts as older unless
// it was made for this very moment.
func (in Inputs) madeBefore(k Key, moment, noted time.Time) bool {
	if moment.IsZero() || in.Now.Before(moment) || moment.Equal(noted) {
		return false
	}
	return k.CreatedAt.Before(moment) || k.CreatedAt.After(in.Now)
}

// correct sets a CreatedAt that lies ahead to now, so that the schedule counts from a moment that has come. It waits for a
// rotation that is due: the key counts as older than the moment that asks for it.
func correct(ring Ring, in Inputs) (Ring, []int64) {
	if _, due := ring.due(in); due {
		return ring, nil
	}
	var corrected []int64
	for _, k := range ring.Keys {
		if k.RevokedAt.IsZero() && k.CreatedAt.After(in.Now.Add(clockTolerance)) {
			k.CreatedAt = in.Now
			ring, corrected = ring.with(k), append(corrected, k.Version)
		}
	}
	return ring, corrected
}
