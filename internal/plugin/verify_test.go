package plugin

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

const (
	keyOne = "one-key-of-version-1-012345678901234567890123"
	keyTwo = "two-key-of-version-2-012345678901234567890123"
)

// secretOf returns a component's Secret with key 2 active.
func secretOf(namespace, name string) *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		StringData: map[string]string{},
		Data: map[string][]byte{
			"BETTER_AUTH_SECRET": []byte(keyTwo), "BETTER_AUTH_SECRETS": []byte("2:" + keyTwo + ",1:" + keyOne),
			"BETTER_AUTH_KEY_VERSION": []byte("2"),
		},
	}
}

const strict = `auth: {tokens: {maxLifetime: 1h, leeway: 30s, issuer: web, audience: api}}`

// tokenWith returns a token with members, signed with a key.
func tokenWith(t *testing.T, key string, header map[string]any, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, claims)
	for name, value := range header {
		token.Header[name] = value
	}
	text, err := token.SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestVerifyExplainsEveryReason(t *testing.T) {
	at := func(d time.Duration) int64 { return noon.Add(d).Unix() }
	claims := func(changes jwt.MapClaims) jwt.MapClaims {
		all := jwt.MapClaims{"sub": "alice", "iss": "web", "aud": "api", "exp": at(10 * time.Minute)}
		for name, value := range changes {
			all[name] = value
			if value == nil {
				delete(all, name)
			}
		}
		return all
	}
	kid := map[string]any{"kid": "2"}
	tokens := map[authn.Reason]string{
		"":               tokenWith(t, keyTwo, kid, claims(nil)),
		authn.Missing:    "",
		authn.Oversized:  strings.Repeat("x", 9000),
		authn.Malformed:  "not.a.token",
		authn.Algorithm:  tokenWith(t, keyTwo, map[string]any{"alg": "none"}, claims(nil)),
		authn.Critical:   tokenWith(t, keyTwo, map[string]any{"crit": []string{"exp"}}, claims(nil)),
		authn.UnknownKey: tokenWith(t, keyTwo, map[string]any{"kid": "7"}, claims(nil)),
		authn.Signature:  tokenWith(t, keyOne, kid, claims(nil)),
		authn.NoExpiry:   tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"exp": nil})),
		authn.Expired:    tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"exp": at(-time.Hour)})),
		authn.NotYet:     tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"nbf": at(5 * time.Minute)})),
		authn.Lifetime:   tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"exp": at(5 * time.Hour)})),
		authn.Issuer:     tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"iss": "elsewhere"})),
		authn.Audience:   tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"aud": nil})),
		authn.Subject:    tokenWith(t, keyTwo, kid, claims(jwt.MapClaims{"sub": ""})),
	}
	keys, err := backendKeys(secretOf("web", "shop-backend-auth"))
	if err != nil {
		t.Fatal(err)
	}
	app := appOf(t, strict, "{}")
	for reason, token := range tokens {
		found := verdictOn(app, token, keys, noon)
		if found.Reason != reason || found.Accepted != (reason == "") || found.Meaning == "" {
			t.Errorf("the verdict on the token for %q is %+v", reason, found)
		}
		text := found.render(style{})
		if signature := token[strings.LastIndex(token, ".")+1:]; len(signature) > 8 && strings.Contains(text, signature) ||
			strings.Contains(text, keyOne) || strings.Contains(text, keyTwo) {
			t.Errorf("the output for %q shows a key or a signature:\n%s", reason, text)
		}
	}
	for _, reason := range authn.Reasons() {
		_, tried := tokens[reason]
		if whole := reason == authn.Repeated || reason == authn.Foreign; !tried && !whole || meaning(reason, authn.Policy{}) == "" {
			t.Errorf("%s has no token and no meaning", reason)
		}
	}
	golden(t, "verify-accepted", "verify shop - < token.txt", verdictOn(app, tokens[""], keys, noon).render(style{}))
	golden(t, "verify-unknown-key", "verify shop - < token.txt", verdictOn(app, tokens[authn.UnknownKey], keys, noon).render(style{}))
	golden(t, "verify-malformed", "verify shop - < token.txt", verdictOn(app, tokens[authn.Malformed], keys, noon).render(style{}))
}

// TestTokenTranscripts shows a token in lines of the width of the page, and the verdict on a token that is valid for too long.
func TestTokenTranscripts(t *testing.T) {
	app, secret := appOf(t, strict, "{}"), secretOf("web", "shop-frontend-auth")
	keys, err := backendKeys(secret)
	if err != nil {
		t.Fatal(err)
	}
	token := func(lifetime time.Duration) string {
		text, err := signed(app, secret, "alice", noon, lifetime)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	var folded strings.Builder
	for part := range slices.Chunk([]byte(token(15*time.Minute)), width) {
		folded.Write(append(part, '\n'))
	}
	golden(t, "token", "token shop --subject alice | fold -w 100", folded.String())
	golden(t, "token-too-long", "token shop --subject alice --for 2h | kubectl todoapp verify shop",
		longLived(app, 2*time.Hour)+"\n"+verdictOn(app, token(2*time.Hour), keys, noon).render(style{}))
}

func TestTokenIsAccepted(t *testing.T) {
	namespace := newNamespace(t)
	newApp(t, namespace, "shop", strict, stableStatus)
	run(t, namespace, "", "token", "shop", "--subject", "alice").want(t, exitFailed,
		"secret shop-frontend-auth of TodoApp shop does not exist")
	create(t, secretOf(namespace, "shop-frontend-auth"))
	create(t, secretOf(namespace, "shop-backend-auth"))
	token := run(t, namespace, "", "token", "shop", "--subject", "alice")
	token.want(t, 0)
	if strings.Count(token.out, ".") != 2 || token.err != "" {
		t.Errorf("the output is more than a token: %q %q", token.out, token.err)
	}
	run(t, namespace, token.out, "verify", "shop").want(t, 0, "ACCEPTED", "made with key 2", `"alice"`)
	run(t, namespace, "", "verify", "shop", "Bearer "+strings.TrimSpace(token.out)).want(t, 0, "ACCEPTED")
	run(t, namespace, "Authorization: Bearer "+token.out, "verify", "shop", "-").want(t, 0, "ACCEPTED")
	run(t, namespace, "", "verify", "shop", "x.y.z", "-o", "json").want(t, exitFailed, `"reason": "malformed"`)
	long := run(t, namespace, "", "token", "shop", "--subject", "alice", "--for", "2h")
	long.want(t, 0, "warning: the API refuses tokens that live longer than 1h")
	run(t, namespace, long.out, "verify", "shop").want(t, exitFailed, "lifetime")
	run(t, namespace, "", "token", "shop").want(t, exitUsage, "--subject is required")
}
