package plugin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// shortestScrubbed is the length from which a secret value is removed from all text. A shorter one, such as "1", would remove too
// much, and is only removed in its own place.
const shortestScrubbed = 6

// redactor replaces secret values by their length and a digest. The digest is keyed with a random value that is not kept. So values
// can be compared within one report, and not guessed.
type redactor struct {
	salt []byte
	// known holds the values to remove from all text, and their placeholders.
	known map[string]string
	// longest lists the known values, the longest first; nil if a value was learned since.
	longest []string
}

func newRedactor() *redactor {
	salt := make([]byte, 32)
	_, _ = rand.Read(salt) // never fails
	return &redactor{salt: salt, known: map[string]string{}}
}

// placeholder returns the text that replaces a value.
func (r *redactor) placeholder(value string) string {
	mac := hmac.New(sha256.New, r.salt)
	_, _ = mac.Write([]byte(value))
	return fmt.Sprintf("[%d bytes, digest %s]", len(value), hex.EncodeToString(mac.Sum(nil)[:4]))
}

// learn makes a value disappear from all text of the report, in the forms in which programs print it.
func (r *redactor) learn(value string) {
	forms := []string{value, strings.TrimSpace(value), base64.StdEncoding.EncodeToString([]byte(value)), url.QueryEscape(value)}
	if quoted, err := json.Marshal(value); err == nil {
		forms = append(forms, string(quoted[1:len(quoted)-1]))
	}
	if strings.Contains(strings.TrimSpace(value), "\n") {
		// A file, of which a log may show a word. Words without a digit are names and keywords of the file's format.
		for word := range strings.FieldsSeq(value) {
			if len(word) >= 2*shortestScrubbed && strings.ContainsAny(word, "0123456789") {
				forms = append(forms, word)
			}
		}
	}
	if entries, err := keyring.ParseList(value); err == nil {
		for _, entry := range entries {
			forms = append(forms, string(entry.Value))
		}
	}
	if address, err := url.Parse(strings.TrimSpace(value)); err == nil && address.User != nil {
		password, _ := address.User.Password()
		forms = append(forms, password, address.User.String(), address.Host)
	}
	for _, form := range forms {
		if len(form) >= shortestScrubbed {
			r.known[form], r.longest = r.placeholder(value), nil
		}
	}
}

// learnSecret learns every value of a Secret.
func (r *redactor) learnSecret(secret *corev1.Secret) {
	for name, value := range secret.Data {
		r.learn(string(value))
		if name == keyring.StorageKey {
			if ring, err := keyring.Unmarshal(secret.Data); err == nil {
				for _, k := range ring.Keys {
					r.learn(string(k.Value))
				}
			}
		}
	}
}

// scrub removes the learned values from a text, the longest first, because one may be a part of another.
func (r *redactor) scrub(text string) string {
	if r.longest == nil {
		r.longest = slices.SortedFunc(maps.Keys(r.known), func(a, b string) int { return len(b) - len(a) })
	}
	for _, value := range r.longest {
		text = strings.ReplaceAll(text, value, r.known[value])
	}
	return credentials.ReplaceAllString(text, "://[credentials]@")
}

// encode returns documents in YAML without the learned values. They are removed before the text is encoded, because YAML folds long
// lines and doubles quotes, so that a value of several words would not be found in it.
func (r *redactor) encode(documents []any) (string, error) {
	texts := make([]string, len(documents))
	for i, document := range documents {
		text, err := encoded(r.scrubAll(document), "yaml")
		if err != nil {
			return "", err
		}
		texts[i] = text
	}
	return strings.Join(texts, "---\n"), nil
}

// scrubAll removes the learned values from all strings of a document.
func (r *redactor) scrubAll(value any) any {
	switch value := value.(type) {
	case string:
		return r.scrub(value)
	case []any:
		for i := range value {
			value[i] = r.scrubAll(value[i])
		}
	case map[string]any:
		for name := range value {
			value[name] = r.scrubAll(value[name])
		}
	}
	return value
}

// credentials matches the user and the password of a URL. They are removed also if the Secret that holds them could not be read.
var credentials = regexp.MustCompile(`://[^/\s:@"']*:[^/\s@"']*@`)

// object redacts an object: the values of a Secret, literal values of variables, annotations, and arguments of programs that are
// not the operator's.
func (r *redactor) object(object *unstructured.Unstructured) {
	if object.GetKind() == "Secret" {
		for _, field := range []string{"data", "stringData"} {
			values, _, _ := unstructured.NestedStringMap(object.Object, field)
			for name, value := range values {
				if raw, err := base64.StdEncoding.DecodeString(value); err == nil && field == "data" {
					value = string(raw)
				}
				values[name] = r.placeholder(value)
			}
			if len(values) > 0 {
				_ = unstructured.SetNestedStringMap(object.Object, values, field)
			}
		}
	}
	r.annotations(object)
	managers := object.GetManagedFields()
	for i := range managers {
		managers[i].FieldsV1 = nil
	}
	object.SetManagedFields(managers)
	own := object.GetLabels()["app.kubernetes.io/managed-by"] == operatorName || object.GetName() == operatorName ||
		object.GetLabels()["app.kubernetes.io/name"] == operatorName
	r.walk(object.Object, own)
}

// annotations redacts all annotations but the operator's.
func (r *redactor) annotations(object *unstructured.Unstructured) {
	annotations := object.GetAnnotations()
	for name, value := range annotations {
		if !strings.HasPrefix(name, todov1.GroupVersion.Group+"/") && name != "deployment.kubernetes.io/revision" {
			annotations[name] = r.placeholder(value)
		}
	}
	object.SetAnnotations(annotations)
}

// walk redacts variables, arguments and annotations at any depth. The arguments of the operator's own programs are kept.
func (r *redactor) walk(value any, own bool) {
	switch value := value.(type) {
	case []any:
		for _, one := range value {
			r.walk(one, own)
		}
	case map[string]any:
		for name, field := range value {
			switch {
			case name == "env" || name == "httpHeaders": // a header of a probe may carry a password
				r.variables(field)
			case name == "terminated":
				r.termination(field)
			case (name == "args" || name == "command") && !own:
				value[name] = r.placeholder(fmt.Sprint(field))
			case name == "annotations":
				r.nestedAnnotations(field)
			default:
				r.walk(field, own)
			}
		}
	}
}

// variables redacts the literal values of a list of variables.
func (r *redactor) variables(list any) {
	variables, _ := list.([]any)
	for _, one := range variables {
		if variable, ok := one.(map[string]any); ok {
			if value, ok := variable["value"].(string); ok {
				r.learn(value)
				variable["value"] = r.placeholder(value)
			}
		}
	}
}

// termination redacts the message of a container that has ended, which its program wrote. The container runtime wrote it if the
// container could not start.
func (r *redactor) termination(field any) {
	state, _ := field.(map[string]any)
	message, written := state["message"].(string)
	if reason := state["reason"]; written && reason != "StartError" && reason != "ContainerCannotRun" {
		state["message"] = r.placeholder(message)
	}
}

// nestedAnnotations redacts annotations of a template, but for the operator's.
func (r *redactor) nestedAnnotations(field any) {
	annotations, _ := field.(map[string]any)
	for name, value := range annotations {
		if text, ok := value.(string); ok && !strings.HasPrefix(name, todov1.GroupVersion.Group+"/") {
			annotations[name] = r.placeholder(text)
		}
	}
}
