package httpapi

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestOnlyTrustedProxiesSayWhoTheClientIs(t *testing.T) {
	trusted := Proxies{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for name, c := range map[string]struct {
		proxies Proxies
		peer    string
		headers []string
		want    string
	}{
		"none":             {nil, "10.1.1.1:5", []string{"1.2.3.4"}, "10.1.1.1:5"},
		"no header":        {trusted, "10.1.1.1:5", nil, "10.1.1.1:5"},
		"another peer":     {trusted, "11.1.1.1:5", []string{"1.2.3.4"}, "11.1.1.1:5"},
		"one proxy":        {trusted, "10.1.1.1:5", []string{"1.2.3.4"}, "1.2.3.4"},
		"two proxies":      {trusted, "10.1.1.1:5", []string{"1.2.3.4, 10.2.2.2"}, "1.2.3.4"},
		"two headers":      {trusted, "10.1.1.1:5", []string{"1.2.3.4", "10.2.2.2"}, "1.2.3.4"},
		"invented":         {trusted, "10.1.1.1:5", []string{"9.9.9.9, 1.2.3.4"}, "1.2.3.4"},
		"invented trusted": {trusted, "10.1.1.1:5", []string{"10.9.9.9, 1.2.3.4, 10.2.2.2"}, "1.2.3.4"},
		"nonsense":         {trusted, "10.1.1.1:5", []string{"x"}, "10.1.1.1:5"},
		"nonsense before":  {trusted, "10.1.1.1:5", []string{"x, 10.2.2.2"}, "10.2.2.2"},
		"only proxies":     {trusted, "10.1.1.1:5", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		"IPv6":             {trusted, "[fd00::1%eth0]:5", []string{"2001:db8::1"}, "2001:db8::1"},
		"IPv4 within IPv6": {trusted, "[::ffff:10.1.1.1]:5", []string{"::ffff:1.2.3.4"}, "1.2.3.4"},
	} {
		r := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": c.headers}}
		if got := c.proxies.Client(r); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}
