package v1alpha1

import (
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	utiljson "k8s.io/apimachinery/pkg/util/json"
)

// UnmarshalJSON decodes a TodoApp, and keeps its metadata if the spec does not decode.
// An older schema admitted such objects, and one of them must not fail a list or a watch of all TodoApps.
func (a *TodoApp) UnmarshalJSON(data []byte) error {
	type fields TodoApp // has no UnmarshalJSON
	var whole fields
	failure := utiljson.Unmarshal(data, &whole)
	if failure == nil {
		*a = TodoApp(whole)
		return nil
	}
	var parts struct {
		metav1.TypeMeta   `json:",inline"`
		metav1.ObjectMeta `json:"metadata"`
		Spec              json.RawMessage `json:"spec"`
		Status            json.RawMessage `json:"status"`
	}
	if err := utiljson.Unmarshal(data, &parts); err != nil {
		return fmt.Errorf("decoding the metadata of a TodoApp: %w", err)
	}
	*a = TodoApp{TypeMeta: parts.TypeMeta, ObjectMeta: parts.ObjectMeta}
	if err := decodePart(parts.Spec, &a.Spec); err != nil {
		a.Spec, a.Undecodable = TodoAppSpec{}, shortened(err.Error())
	}
	if err := decodePart(parts.Status, &a.Status); err != nil {
		a.Status = TodoAppStatus{} // the next reconcile writes it anew
	}
	return nil
}

// shortened returns the beginning of a message that may contain a value of any length.
func shortened(message string) string {
	const most = 512
	if len(message) <= most {
		return message
	}
	return strings.ToValidUTF8(strings.Clone(message[:most]), "") + "..."
}

// decodePart decodes a part of an object, which may be absent.
func decodePart(data json.RawMessage, into any) error {
	if len(data) == 0 {
		return nil
	}
	return utiljson.Unmarshal(data, into) //nolint:wrapcheck // the text is shown after the name of the part
}
