//go:build e2e

package e2e

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const account = "system:serviceaccount:" + system + ":" + operator

// right is one verb on one kind of object, in the operator's namespace by its Role or everywhere by its ClusterRole.
type right struct {
	scope, verb, group, resource, name string
}

func (r right) String() string {
	where := cmp.Or(r.scope, "everywhere")
	what := strings.Trim(r.resource+"."+r.group, ".")
	return strings.TrimSpace(fmt.Sprintf("%s %s %s %s", where, r.verb, what, r.name))
}

// unused lists the rights that a run may leave unused, with the reason.
var unused = map[string]string{
	"everywhere update todoapps/finalizers.todoapp.dev":    "asked if owner references are enforced, as in OpenShift",
	system + " patch events":                               "a new leader's event, once more within minutes",
	"everywhere patch events.events.k8s.io":                "an app's event, once more within minutes",
	"everywhere get networkpolicies.networking.k8s.io":     "if one is missing, or another's, while a plan reads live",
	"everywhere list configmaps":                           "API servers before 1.34 do not stream lists",
	"everywhere list horizontalpodautoscalers.autoscaling": "API servers before 1.34 do not stream lists",
	"everywhere list httproutes.gateway.networking.k8s.io": "API servers before 1.34 do not stream lists",
	"everywhere list events.events.k8s.io":                 "why the volume of a pod cannot be mounted",
}

// checkRights compares the operator's rights with its requests in the whole run. No request may have been forbidden,
// and every right must have been used.
func checkRights(ctx context.Context) error {
	path, kept := auditLog()
	if !kept {
		fmt.Println("rights: not checked, as the cluster keeps no log of the operator's requests")
		return nil
	}
	granted, err := grantedRights(ctx)
	if err != nil {
		return err
	}
	used, refused, err := usedRights(path, granted)
	if err != nil {
		return err
	}
	var errs []error
	for _, r := range sets.List(refused) {
		errs = append(errs, fmt.Errorf("refused to the operator: %s", r))
	}
	for r := range granted {
		if _, excused := unused[r.String()]; !excused && !used.Has(r) {
			errs = append(errs, fmt.Errorf("granted to the operator and never used: %s", r))
		}
	}
	fmt.Printf("rights: %d granted, %d used, %d refusals\n", len(granted), len(used), len(refused))
	slices.SortFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(errs...)
}

// auditLog returns the path of the API server's log of the operator's requests, and reports whether the cluster keeps one.
func auditLog() (path string, kept bool) {
	path = cmp.Or(os.Getenv("E2E_AUDIT_LOG"), "/var/lib/todoapp-cluster/log/audit.log")
	return path, path != "none"
}

// grantedRights returns the rights of the roles that are bound to the operator's service account.
func grantedRights(ctx context.Context) (sets.Set[right], error) {
	granted := sets.New[right]()
	var whole rbacv1.ClusterRole
	if err := cluster.Get(ctx, client.ObjectKey{Name: operator}, &whole); err != nil {
		return nil, fmt.Errorf("reading the ClusterRole: %w", err)
	}
	grant(granted, "", whole.Rules)
	var own rbacv1.Role
	if err := cluster.Get(ctx, client.ObjectKey{Namespace: system, Name: operator}, &own); err != nil {
		return nil, fmt.Errorf("reading the Role: %w", err)
	}
	grant(granted, system, own.Rules)
	return granted, nil
}

func grant(granted sets.Set[right], scope string, rules []rbacv1.PolicyRule) {
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range names {
						granted.Insert(right{scope, verb, group, resource, name})
					}
				}
			}
		}
	}
}

// event is an entry of the API server's audit log.
type event struct {
	User struct {
		Username string
		Extra    map[string][]string
	}
	Verb      string
	ObjectRef struct {
		Resource, Subresource, Namespace, Name, APIGroup string
	}
	ResponseStatus struct{ Code int }
	Annotations    map[string]string
	At             time.Time `json:"requestReceivedTimestamp"`
}

// between reports whether the request was sent while the managers were replaced.
func (e event) between() bool {
	return slices.ContainsFunc(exchanges, func(s span) bool { return e.At.After(s.from) && e.At.Before(s.to) })
}

func (e event) right(scope, verb, name string) right {
	resource := strings.Trim(e.ObjectRef.Resource+"/"+e.ObjectRef.Subresource, "/")
	return right{scope, verb, e.ObjectRef.APIGroup, resource, name}
}

// rights returns the rights that cover the request, one row for each verb, the narrowest first. An apply that creates
// an object needs two verbs.
func (e event) rights() [][]right {
	verbs := []string{e.Verb}
	if e.Verb == "patch" && e.ResponseStatus.Code == http.StatusCreated {
		verbs = append(verbs, "create")
	}
	var all [][]right
	for _, verb := range verbs {
		all = append(all, []right{
			e.right(e.ObjectRef.Namespace, verb, e.ObjectRef.Name), e.right(e.ObjectRef.Namespace, verb, ""),
			e.right("", verb, e.ObjectRef.Name), e.right("", verb, ""),
		})
	}
	return all
}

// usedRights reads the audit log. It returns the rights that were used, for each request the narrowest that covers it,
// and the requests that were forbidden.
func usedRights(path string, granted sets.Set[right]) (used sets.Set[right], refused sets.Set[string], err error) {
	used, refused = sets.New[right](), sets.New[string]()
	err = eachRequest(path, func(e event) {
		if e.Annotations["authorization.k8s.io/decision"] == "forbid" {
			if !e.between() {
				refused.Insert(e.right(e.ObjectRef.Namespace, e.Verb, e.ObjectRef.Name).String())
			}
			return
		}
		for _, candidates := range e.rights() {
			if i := slices.IndexFunc(candidates, granted.Has); i >= 0 {
				used.Insert(candidates[i])
			}
		}
	})
	return used, refused, err
}

// eachRequest calls a function with each request of the operator in the audit log.
func eachRequest(path string, call func(event)) error {
	log, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("opening the API server's log of the operator's requests (E2E_AUDIT_LOG): %w", err)
	}
	defer func() { _ = log.Close() }()
	lines := bufio.NewScanner(log)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("reading %s: %w", path, err)
		}
		if e.User.Username == account && e.ObjectRef.Resource != "" {
			call(e)
		}
	}
	return lines.Err()
}

// whole reports whether the run includes all tests.
func whole() bool { return flag.Lookup("test.run").Value.String() == "" }
