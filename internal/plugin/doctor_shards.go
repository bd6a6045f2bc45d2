package plugin

import (
	"context"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/shard"
)

// managers is a Deployment of the operator with the Lease of its leader.
type managers struct {
	name       string
	deployment read[appsv1.Deployment]
	lease      read[coordinationv1.Lease]
}

// gatherShards reads the Deployments of the operator's shards. A user who may not list Deployments learns of the main one only.
func (c *cluster) gatherShards(ctx context.Context, namespace string) []managers {
	var list appsv1.DeploymentList
	err := c.List(ctx, &list, client.InNamespace(namespace), client.MatchingLabels{"app.kubernetes.io/name": operatorName})
	if err != nil {
		return nil
	}
	var shards []managers
	for i := range list.Items {
		if d := &list.Items[i]; d.Name != operatorName {
			shards = append(shards, managers{d.Name, read[appsv1.Deployment]{object: d},
				get[coordinationv1.Lease](ctx, c, namespace, leaseName(d))})
		}
	}
	return shards
}

// leaseName returns the name of the Lease for which the managers of a Deployment compete.
func leaseName(d *appsv1.Deployment) string {
	if name := argument(d, "leader-election-id"); name != "" {
		return name
	}
	selected := shardOf(d)
	return selected.LeaseName()
}

// shardOf returns the TodoApps that the managers of a Deployment reconcile.
func shardOf(d *appsv1.Deployment) shard.Shard {
	var selected shard.Shard
	_ = selected.Set(argument(d, "watch-label-selector")) // managers with an invalid selector do not start
	return selected
}

// argument returns the value of a flag of the managers of a Deployment; empty if it is not set.
func argument(d *appsv1.Deployment, flag string) string {
	if d == nil {
		return ""
	}
	for _, container := range d.Spec.Template.Spec.Containers {
		for _, one := range container.Args {
			if name, value, _ := strings.Cut(strings.TrimLeft(one, "-"), "="); name == flag {
				return value
			}
		}
	}
	return ""
}

// reconciles reports whether the managers of a Deployment reconcile an app, by its label.
func (m managers) reconciles(app *todov1.TodoApp) bool {
	selected := shardOf(m.deployment.object)
	return selected.Selector == nil || selected.Matches(labels.Set(app.Labels))
}

// renewals returns when the leaders of the operator last renewed their Leases, each by its own clock.
func (f *facts) renewals() []metav1.MicroTime {
	var moments []metav1.MicroTime
	for _, m := range append([]managers{{lease: f.lease}}, f.shards...) {
		if lease := m.lease.object; lease != nil && lease.Spec.RenewTime != nil {
			moments = append(moments, *lease.Spec.RenewTime)
		}
	}
	return moments
}

// judgeOperator judges if the operator runs and leads: its main Deployment, which every installation has, and those of the shards
// that reconcile the app. Without an app, it judges all.
func judgeOperator(f *facts) []finding {
	main := managers{operatorName, f.operator, f.lease}
	found := judgeManagers(f, main)
	selected := f.app == nil || f.operator.object == nil || main.reconciles(f.app)
	for _, m := range f.shards {
		if f.app != nil && !m.reconciles(f.app) {
			continue
		}
		selected = true
		for _, one := range judgeManagers(f, m) {
			one.Text = "Deployment " + m.name + ": " + one.Text
			found = append(found, one)
		}
	}
	if !selected {
		found = append(found, fault("correct the label, or add the shard to the installation (docs/sharding.md)",
			"no Deployment of the operator reconciles apps with the label %s=%s", todov1.LabelShard, f.app.Labels[todov1.LabelShard]))
	}
	return found
}
