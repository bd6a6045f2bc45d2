//go:build e2e

package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/todoapp-operator/todoapp-operator/hack/e2e/load"
	"github.com/todoapp-operator/todoapp-operator/hack/e2e/signer"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// user is a pod that uses an app without a pause, with the part of its report that was already judged.
type user struct {
	app    *todov1.TodoApp
	pod    *corev1.Pod
	judged load.Report
}

// startUser runs a load generator in a pod beside the app.
func (e *environment) startUser(app *todov1.TodoApp) *user {
	e.Helper()
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: e.namespace, Name: app.Name + "-user", Labels: map[string]string{labelRun: runID}},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, // a restart would lose its report
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: new(true), SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "load", Image: probeImage,
				Args: []string{"load",
					"http://" + desired.Frontend(app) + "." + e.namespace + ".svc:" + strconv.Itoa(signer.Port), desired.BackendURL(app)},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: new(false), Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
			}},
		},
	}
	must(e, cluster.Create(e.Context(), pod))
	u := &user{app: app, pod: pod}
	e.await("load on "+app.Name, startWithin, func() error {
		if err := cluster.Get(e.Context(), client.ObjectKeyFromObject(pod), pod); err != nil {
			return err
		}
		report, err := u.report(e)
		u.judged = report
		return err
	})
	return u
}

func (u *user) report(e *environment) (load.Report, error) {
	var report load.Report
	page, err := cluster.api.CoreV1().RESTClient().Get().Namespace(u.pod.Namespace).Resource("pods").
		Name(u.pod.Name + ":" + strconv.Itoa(load.Port)).SubResource("proxy").Suffix("/").DoRaw(e.Context())
	if err == nil {
		err = json.Unmarshal(page, &report)
	}
	return report, err
}

// forgiven reports whether a failure does not count against the operator.
type forgiven func(load.Note) bool

// repeated forgives tries without an answer between two moments, in which a pod was killed or hung. It forgives neither
// a wrong answer nor a request that was given up.
func repeated(from, to time.Time) forgiven {
	return func(n load.Note) bool { return n.Status == 0 && !n.At.Before(from) && n.At.Before(to) }
}

// refused forgives refusals of tokens whose key is a revoked one or an older one, from a moment on.
func refused(upTo int64, from time.Time) forgiven {
	return func(n load.Note) bool {
		version, err := strconv.ParseInt(n.KeyID, 10, 64)
		return n.Status == http.StatusUnauthorized && err == nil && version <= upTo && n.At.After(from)
	}
}

// judge fails the test for every failure of users since the last judgement, and prints the number of their requests.
func (e *environment) judge(users []*user, forgive ...forgiven) {
	e.Helper()
	for _, u := range users {
		now, err := u.report(e)
		must(e, err)
		failures := e.weigh(u, "unexpected", now.Failures[len(u.judged.Failures):], forgive)
		faults := e.weigh(u, "unanswered", now.Faults[len(u.judged.Faults):], forgive)
		e.Logf("%s: %d requests with fresh tokens, %d with older ones, %d tokens signed; forgiven: %d refused, %d repeated",
			u.app.Name, now.Fresh-u.judged.Fresh, now.Old-u.judged.Old, now.Signed-u.judged.Signed, failures, faults)
		if now.Fresh == u.judged.Fresh || now.Old == u.judged.Old {
			e.Errorf("%s was not used", u.app.Name)
		}
		u.judged = now
	}
}

// sum prints the total number of requests of each user.
func (e *environment) sum(users []*user) {
	e.Helper()
	for _, u := range users {
		e.Logf("%s, in all: %d requests with fresh tokens, %d with older ones, %d tokens signed; by key %v; the slowest took %s",
			u.app.Name, u.judged.Fresh, u.judged.Old, u.judged.Signed, u.judged.ByKey, u.judged.Slowest.Round(time.Millisecond))
	}
}

// weigh fails the test for failures that are not forgiven, and returns the number of forgiven ones.
func (e *environment) weigh(u *user, what string, notes []load.Note, forgive []forgiven) int {
	e.Helper()
	held := slices.DeleteFunc(slices.Clone(notes), func(n load.Note) bool {
		return slices.ContainsFunc(forgive, func(f forgiven) bool { return f(n) })
	})
	if len(held) > 0 || len(notes) == load.MaxNoted {
		e.Errorf("%s: %d of %d notes are held against the operator", u.app.Name, len(held), len(notes))
	}
	for _, note := range held[:min(len(held), 10)] {
		e.Logf("%s: %s at %s: %s, key %s, token of %s: status %d, %s", u.app.Name, what,
			note.At.Format("15:04:05.000"), note.What, note.KeyID, note.Age, note.Status, note.Error)
	}
	return len(notes) - len(held)
}
