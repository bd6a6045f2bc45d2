package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

// render returns the verdict as text.
func (v verdict) render(s style) string {
	head := s.paint(green, "ACCEPTED") + "  "
	if !v.Accepted {
		head = s.paint(red, "REFUSED") + "  " + string(v.Reason) + ": "
	}
	c := v.Claims
	rows := [][]string{
		{"CLAIM", "THIS TOKEN", "RULE"},
		{"alg", shownClaim(c.Algorithm), "the API accepts HS256"},
		{"kid", shownClaim(c.KeyID), "the backend trusts " + keysText(v.Trusted)},
		{"signature", v.signature(), ""},
		{"sub", shownClaim(c.Subject), "required"},
		{"iss", shownClaim(c.Issuer), required(v.policy.Issuer)},
		{"aud", shownClaim(c.Audience), required(v.policy.Audience)},
		{"exp", v.shownDate(c.Expires), fmt.Sprintf("at most %s ahead, with a leeway of %s",
			shortDuration(v.policy.MaxLifetime), v.policy.Leeway)},
		{"nbf", v.shownDate(c.NotBefore), "not in the future"},
		{"iat", v.shownDate(c.IssuedAt), "not in the future"},
	}
	return strings.Join(wrap(head+v.Meaning, width), "\n") + "\n\n" + table(rows)
}

func (v verdict) signature() string {
	switch {
	case v.KeyVersion > 0:
		return fmt.Sprintf("made with key %d", v.KeyVersion)
	case v.Reason == authn.Signature:
		return "made with another key"
	default:
		return "not checked"
	}
}

func required(value string) string {
	if value == "" {
		return "not checked"
	}
	return "must be " + shownClaim(value)
}

// shownClaim returns a claim in JSON, shortened; "-" if the token lacks it.
func shownClaim(value any) string {
	if value == nil {
		return "-"
	}
	text, err := json.Marshal(value)
	const most = 40
	if err != nil || len(text) <= most {
		return string(text)
	}
	return strings.ToValidUTF8(string(text[:most]), "") + "..."
}

// shownDate returns a date claim as a moment with its distance from now.
func (v verdict) shownDate(value any) string {
	seconds, ok := value.(float64)
	if !ok || math.Abs(seconds) > 1e11 {
		return shownClaim(value)
	}
	moment := time.Unix(int64(seconds), 0)
	if moment.After(v.Now.Time) {
		return clock(moment) + " (" + until(moment, v.Now.Time) + ")"
	}
	return clock(moment) + " (" + age(ptr.To(metav1.NewTime(moment)), v.Now.Time) + " ago)"
}
