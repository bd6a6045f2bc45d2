package plugin

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// overview is everything that status shows of an app.
type overview struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Acted says that the operator has acted on the present spec.
	Acted      bool                   `json:"acted"`
	Conditions []metav1.Condition     `json:"conditions"`
	Keys       []todov1.KeyStatus     `json:"keys"`
	Rotation   *todov1.RotationStatus `json:"rotation,omitempty"`
	Pods       []podState             `json:"pods"`
	// Paused says that the app is paused, and Plan what the operator would do.
	Paused bool     `json:"paused"`
	Plan   []string `json:"plan,omitempty"`
	// Now is the API server's time, to which ages refer.
	Now metav1.Time `json:"now"`

	app *todov1.TodoApp
}

// podState is one pod with the keys that it uses.
type podState struct {
	Name      string  `json:"name"`
	Component string  `json:"component"`
	Node      string  `json:"node,omitempty"`
	State     string  `json:"state"`
	Trusts    []int64 `json:"trusts"`
	Signs     int64   `json:"signs,omitempty"`
	// LastUses says when the pod last accepted a token of each key, by version, since it started.
	LastUses map[int64]metav1.Time `json:"lastUses,omitempty"`
	// Unknown says why the keys are not known.
	Unknown string `json:"unknown,omitempty"`
}

// newOverview returns the overview of an app and its pods at a moment.
func newOverview(app *todov1.TodoApp, pods []podState, now time.Time) overview {
	return overview{
		Namespace: app.Namespace, Name: app.Name, Acted: app.Status.ObservedGeneration >= app.Generation,
		Conditions: app.Status.Conditions, Keys: app.Status.Keys, Rotation: app.Status.Rotation, Pods: pods,
		Paused: app.Paused(), Plan: app.Status.Plan, Now: metav1.NewTime(now.UTC()), app: app,
	}
}

// render returns the overview as one screen.
func (o overview) render(s style) string {
	parts := []string{o.headline(s), o.pause(s), o.keys(), o.rotation(s), o.pods(), o.problems(s)}
	return strings.Join(slices.DeleteFunc(parts, func(part string) bool { return part == "" }), "\n")
}

// headline returns the name of the app and its readiness.
func (o overview) headline(s style) string {
	ready := meta.FindStatusCondition(o.Conditions, todov1.ConditionReady)
	name := s.paint(bold, o.Namespace+"/"+o.Name)
	var text string
	switch {
	case ready == nil:
		text = s.paint(red, "no status") + ": the operator has not seen it yet. Run \"kubectl todoapp doctor\" if that stays."
	case ready.Status == metav1.ConditionTrue:
		text = s.paint(green, "Ready") + " for " + age(&ready.LastTransitionTime, o.Now.Time)
	default:
		text = s.paint(red, "not ready") + " for " + age(&ready.LastTransitionTime, o.Now.Time) + ": " + ready.Reason
	}
	if !o.Acted && ready != nil {
		text += "; the operator has not acted on the last change yet"
	}
	if columns(name)+2+columns(text) > width {
		return name + "\n" + indented(text, 2)
	}
	return name + "  " + text + "\n"
}

// pause returns how a pause ends, and the plan that it holds; empty if the app is not paused.
func (o overview) pause(s style) string {
	if !o.Paused {
		return ""
	}
	return hanging(s.paint(yellow, "PAUSED")+"  ", "The operator changes nothing. End the pause with: "+resumption(o.app)) +
		strings.TrimPrefix(planText("  It would:", o.Plan)+"\n", "\n")
}

// keys returns the table of keys.
func (o overview) keys() string {
	if len(o.Keys) == 0 {
		return ""
	}
	rows := [][]string{{"KEY", "STATE", "AGE", "SIGNED FIRST", "LAST USE", "NEXT"}}
	for _, k := range o.Keys {
		signed := "-"
		if k.PromotedAt != nil {
			signed = age(k.PromotedAt, o.Now.Time) + " ago"
		}
		rows = append(rows, []string{
			strconv.FormatInt(k.Version, 10), string(k.State), age(k.CreatedAt, o.Now.Time), signed, o.lastUse(k.Version),
			o.next(k)})
	}
	return table(rows)
}

// next returns what happens to a key next, and when.
func (o overview) next(k todov1.KeyStatus) string {
	now := o.Now.Time
	switch k.State {
	case todov1.KeyPublished:
		return "signs once every backend pod trusts it"
	case todov1.KeyActive:
		if o.Rotation == nil || o.Rotation.Next == nil {
			return "signs; no replacement is scheduled"
		}
		return fmt.Sprintf("signs; replaced by schedule %s (%s)", until(o.Rotation.Next.Time, now), clock(o.Rotation.Next.Time))
	case todov1.KeyRetiring:
		if k.RetiresAt == nil {
			return "is replaced once no pod signs with it"
		}
		return fmt.Sprintf("is trusted until its tokens have expired, %s (%s)",
			until(k.RetiresAt.Time, now), clock(k.RetiresAt.Time))
	case todov1.KeyRevoked:
		return "is trusted by no pod; revoked " + age(k.RevokedAt, now) + " ago"
	default:
		return "decrypts old data of the frontend"
	}
}

// rotation returns the steps of a rotation that is under way, and what the present step waits for.
func (o overview) rotation(s style) string {
	complete := meta.FindStatusCondition(o.Conditions, todov1.ConditionRotationComplete)
	switch {
	case o.Rotation == nil || complete == nil:
		return ""
	case complete.Status == metav1.ConditionTrue && strings.Contains(complete.Message, "revocation"):
		return indented(complete.Message, 0) // a revocation whose moment has not come
	case complete.Status == metav1.ConditionTrue:
		return ""
	}
	title := "ROTATION  " + string(o.Rotation.Phase)
	if o.Rotation.StartedAt != nil {
		title += ", started " + age(o.Rotation.StartedAt, o.Now.Time) + " ago"
	}
	return title + "\n" + stepLines(o.app, s) + indented(complete.Message, 2)
}

// stepLines returns one line for each step of a rotation, with marks for finished steps and for the present step.
func stepLines(app *todov1.TodoApp, s style) string {
	steps := rotationSteps(app)
	phases := []todov1.RotationPhase{todov1.RotationPublishing, todov1.RotationPromoting, todov1.RotationDraining}
	present := slices.Index(phases, app.Status.Rotation.Phase)
	var b strings.Builder
	for i, step := range steps {
		mark := "[ ]"
		switch {
		case i < present:
			mark = s.paint(green, "[x]")
		case i == present:
			mark = s.paint(yellow, "[>]")
		}
		b.WriteString("  " + mark + " " + step + "\n")
	}
	return b.String()
}

// pods returns the table of pods.
func (o overview) pods() string {
	if len(o.Pods) == 0 {
		return "no pods\n"
	}
	rows := [][]string{{"POD", "NODE", "STATE", "TRUSTS", "SIGNS WITH"}}
	for _, p := range o.Pods {
		signs := "-"
		if p.Signs > 0 {
			signs = "key " + strconv.FormatInt(p.Signs, 10)
		}
		trusts := keyring.FormatVersions(p.Trusts)
		if len(p.Trusts) == 0 {
			trusts = "?"
			signs = p.Unknown
		}
		rows = append(rows, []string{p.Name, orDash(p.Node), p.State, trusts, signs})
	}
	return table(rows)
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

// problems returns the conditions that are not true, but for the rotation's and for Ready, which repeats another.
func (o overview) problems(s style) string {
	rows := [][]string{}
	for _, c := range o.Conditions {
		own := c.Reason == todov1.ReasonApplyFailed || c.Reason == todov1.ReasonSpecUndecodable
		repeated := c.Type == todov1.ConditionReady && !own
		if c.Status != metav1.ConditionTrue && c.Type != todov1.ConditionRotationComplete && !repeated {
			rows = append(rows, []string{c.Type, c.Reason, c.Message})
		}
	}
	if len(rows) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString(s.paint(red, "PROBLEMS") + "\n")
	for _, row := range rows {
		fmt.Fprintf(&b, "  %s is %s\n%s", row[0], row[1], indented(row[2], 4))
	}
	return b.String() + indented("docs/troubleshooting.md explains the reasons; \"kubectl todoapp doctor "+o.Name+"\" checks more.", 2)
}
