package integration_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// patches of a pod template, and whether they need the webhook.
var patches = map[string]struct {
	template string
	held     bool
}{
	"image":          {`{"spec":{"containers":[{"name":"web","image":"web:2"}]}}`, false},
	"plain variable": {`{"spec":{"containers":[{"name":"web","env":[{"name":"LOG_LEVEL","value":"debug"}]}]}}`, false},
	"annotation":     {`{"metadata":{"annotations":{"kubectl.kubernetes.io/restartedAt":"now"}}}`, false},
	"another label":  {`{"metadata":{"labels":{"a":"b"}}}`, false},
	"pods' app":      {`{"metadata":{"labels":{"todoapp.dev/app":"x"}}}`, true},
	"pods' side":     {`{"metadata":{"labels":{"todoapp.dev/component":"backend"}}}`, true},
	"pods' no side":  {`{"metadata":{"labels":{"todoapp.dev/component":null}}}`, true},
	"node selector":  {`{"spec":{"nodeSelector":{"a":"b"}}}`, false},
	"envFrom":        {`{"spec":{"containers":[{"name":"web","envFrom":[{"secretRef":{"name":"x"}}]}]}}`, true},
	"prefix": {`{"spec":{"containers":[{"name":"web","envFrom":[
		{"prefix":"BETTER_","secretRef":{"name":"shop-frontend-auth"}}]}]}}`, true},
	"literal key": {`{"spec":{"containers":[{"name":"web","env":[{"name":"BETTER_AUTH_SECRET","value":"x"}]}]}}`, true},
	"sourced": {
		`{"spec":{"containers":[{"name":"web","env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"x","key":"y"}}}]}]}}`, true,
	},
	"volume":             {`{"spec":{"volumes":[{"name":"v","secret":{"secretName":"x"}}]}}`, true},
	"ConfigMap's volume": {`{"spec":{"volumes":[{"name":"v","configMap":{"name":"x"}}]}}`, true},
	"projected volume":   {`{"spec":{"volumes":[{"name":"v","projected":{"sources":[{"secret":{"name":"x"}}]}}]}}`, true},
	"fields' volume": {`{"spec":{"volumes":[{"name":"v","downwardAPI":{"items":[
		{"path":"x","fieldRef":{"fieldPath":"metadata.name"}}]}}]}}`, true},
	"empty volume": {`{"spec":{"volumes":[{"name":"v","emptyDir":{}}]}}`, false},
	"field": {`{"spec":{"containers":[{"name":"web","env":[
		{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}]}]}}`, false},
	"key from a field": {
		`{"spec":{"containers":[{"name":"web","env":[
			{"name":"BETTER_AUTH_SECRET","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}]}]}}`, true,
	},
	"init container": {`{"spec":{"initContainers":[
		{"name":"init","image":"x","envFrom":[{"secretRef":{"name":"x"}}]}]}}`, true},
	"container":               {`{"spec":{"containers":[{"name":"log","image":"x"}]}}`, false},
	"container that takes in": {`{"spec":{"containers":[{"name":"log","image":"x","envFrom":[{"secretRef":{"name":"x"}}]}]}}`, true},
	"nothing taken in":        {`{"spec":{"containers":[{"name":"web","envFrom":null}]}}`, false},
	"taken in elsewhere": {`{"spec":{"containers":[{"name":"web","envFrom":null},
		{"name":"log","image":"x","envFrom":[{"secretRef":{"name":"shop-frontend-auth"}}]}]}}`, false},
}

// While nobody serves the webhook, what runs goes on; only what a decision is needed for waits.
func TestWhileTheOperatorIsAway(t *testing.T) {
	ns := namespace(t, "away")
	create(t, app("shop", "{}"), ns)
	for _, object := range workloads(ns, "web") {
		create(t, object, ns)
	}
	for _, object := range workloads(ns, "plain") {
		object.SetLabels(map[string]string{"other": "label"})
		create(t, object, ns)
	}
	going := workloads(ns, "going")[0]
	going.SetFinalizers([]string{"example.com/hold"})
	create(t, going, ns)
	separate(t, ns, port(t))
	held := func(object client.Object, c client.Client) error {
		return c.Create(t.Context(), object, client.DryRunAll)
	}
	await(t, "the configuration to count", waiting, func() error {
		return refusedForWant(held(workloads(ns, "new")[0], admin))
	})

	for _, object := range workloads(ns, "web") {
		for name, patch := range patches {
			if _, job := object.(*batchv1.Job); job {
				continue // its template cannot be changed at all
			}
			body := strings.Replace(podPath(object), "%", patch.template, 1)
			err := admin.Patch(t.Context(), object, client.RawPatch(types.StrategicMergePatchType, []byte(body)), client.DryRunAll)
			expect(t, err, patch.held, "%s of %T", name, object)
		}
		for _, label := range []string{"app", "component"} {
			err := admin.Patch(t.Context(), object, merge(`{"metadata":{"labels":{"todoapp.dev/`+label+`":"backend"}}}`), client.DryRunAll)
			expect(t, err, true, "another %s for %T", label, object)
		}
		err := admin.Patch(t.Context(), object, merge(unlabel), client.DryRunAll)
		expect(t, err, false, "taking the labels off %T", object)
		err = admin.Patch(t.Context(), object, merge(`{"metadata":{"labels":{"team":"x"}}}`), client.DryRunAll)
		expect(t, err, false, "labelling %T", object)
		expect(t, admin.Delete(t.Context(), object, client.DryRunAll), false, "deleting %T", object)
	}
	for _, object := range workloads(ns, "plain") {
		err := admin.Patch(t.Context(), object, merge(asBackend), client.DryRunAll)
		expect(t, err, true, "labelling %T for an app", object)
	}
	for _, object := range workloads(ns, "new") {
		expect(t, held(object, admin), true, "creating %T", object)
		object.SetLabels(map[string]string{"other": "label"}) // a Job without any takes its template's
		object.SetResourceVersion("")
		expect(t, held(object, admin), false, "creating %T without labels", object)
	}
	replicaSet, job := workloads(ns, "new")[3], workloads(ns, "new")[4]
	account := func(name string) client.Client {
		return as(t, "system:serviceaccount:kube-system:"+name, "system:masters")
	}
	expect(t, held(replicaSet, account("deployment-controller")), false, "a Deployment's ReplicaSet")
	expect(t, held(job, account("cronjob-controller")), false, "a CronJob's Job")
	one := as(t, "system:kube-controller-manager", "system:masters")
	expect(t, held(replicaSet, one), false, "a ReplicaSet where controllers have no accounts of their own")
	expect(t, held(workloads(ns, "new")[0], operator(t)), false, "the operator's own Deployment")
	expect(t, held(workloads(ns, "new")[0], as(t, "alice", "todoapp.dev:break-glass", "system:masters")), false, "breaking the glass")
	expect(t, held(&corev1.Pod{ObjectMeta: meta(ns, "pod"), Spec: template().Spec}, admin), false, "a Pod")

	expect(t, admin.Delete(t.Context(), going), false, "deleting what is held")
	takesIn := merge(`{"spec":{"template":{"spec":{"volumes":[{"name":"v","secret":{"secretName":"x"}}]}}}}`)
	expect(t, admin.Patch(t.Context(), going, takesIn), false, "taking in more while going away")

	scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: 3}}
	expect(t, admin.SubResource("scale").Update(t.Context(), workloads(ns, "web")[0], client.WithSubResourceBody(scale)),
		false, "scaling")
	expect(t, admin.Patch(t.Context(), workloads(ns, "web")[0], merge(`{"spec":{"replicas":5}}`)), false, "replicas")
}

// The API server gives up on conditions that cost too much, and then refuses: a thousand references must not be too many.
func TestLargeTemplate(t *testing.T) {
	ns := namespace(t, "large")
	create(t, app("shop", "{}"), ns)
	object := workloads(ns, "web")[0].(*appsv1.Deployment)
	web := object.Spec.Template.Spec.Containers[0]
	for i := range 100 {
		web.Env = append(web.Env, corev1.EnvVar{Name: fmt.Sprintf("X%d", i), ValueFrom: &corev1.EnvVarSource{
			SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "db"}, Key: "url"}}})
	}
	object.Spec.Template.Spec.Containers = nil
	for i := range 10 {
		web.Name = fmt.Sprintf("web-%d", i)
		object.Spec.Template.Spec.Containers = append(object.Spec.Template.Spec.Containers, *web.DeepCopy())
	}
	create(t, object, ns)
	for i := range object.Spec.Template.Spec.Containers {
		env := object.Spec.Template.Spec.Containers[i].Env
		slices.Reverse(env)
		env[100].Value = "debug"
	}
	if err := admin.Update(t.Context(), object); err != nil {
		t.Error(err)
	}
}

// appPatches of a TodoApp's spec, and whether they need the webhook.
var appPatches = map[string]struct {
	spec string
	held bool
}{
	"frontend's Secret":     {`{"frontend":{"secretRef":{"name":"x"}}}`, true},
	"backend's Secret":      {`{"backend":{"secretRef":{"name":"x"}}}`, true},
	"source":                {`{"auth":{"source":{"secretRef":{"name":"x","key":"y"}}}}`, true},
	"Better Auth's own":     {`{"frontend":{"env":[{"name":"BETTER_AUTH_TRUSTED_ORIGINS","value":"y"}]}}`, false},
	"backend's field":       {`{"backend":{"env":[{"name":"X","valueFrom":{"fieldRef":{"fieldPath":"status.podIP"}}}]}}`, true},
	"frontend's draw":       {`{"frontend":{"env":[{"name":"X","valueFrom":{"secretKeyRef":{"name":"x","key":"y"}}}]}}`, true},
	"backend's draw":        {`{"backend":{"env":[{"name":"X","valueFrom":{"configMapKeyRef":{"name":"x","key":"y"}}}]}}`, true},
	"plain variables":       {`{"frontend":{"env":[{"name":"X","value":"y"}]},"backend":{"env":[{"name":"X","value":"y"}]}}`, false},
	"frontend's database":   {`{"frontend":{"database":{"urlSecretRef":{"name":"x","key":"y"}}}}`, true},
	"backend's database":    {`{"backend":{"storage":{"postgres":{"urlSecretRef":{"name":"x","key":"y"}}}}}`, true},
	"URL":                   {`{"frontend":{"url":"https://todo.example.com"}}`, false},
	"URL without TLS":       {`{"frontend":{"url":"http://todo.example.com"}}`, true},
	"Ingress's Secret":      {`{"ingress":{"host":"todo.example.com","tlsSecretName":"x"}}`, true},
	"backend's first image": {`{"backend":{"image":"x:1"}}`, true},
	"frontend's image":      {`{"frontend":{"image":"x:1"}}`, false},
	"replicas":              {`{"frontend":{"replicas":3}}`, false},
	"port":                  {`{"backend":{"port":8001}}`, false},
	"resources":             {`{"backend":{"resources":{"limits":{"memory":"1Gi"}}}}`, false},
	"interval":              {`{"auth":{"rotation":{"interval":"48h"}}}`, false},
	"rotation":              {`{"auth":{"rotation":{"rotateAfter":"2026-01-01T00:00:00Z"}}}`, false},
	"revocation":            {`{"auth":{"rotation":{"revokeBefore":"2026-01-01T00:00:00Z"}}}`, false},
	"lifetime of tokens":    {`{"auth":{"tokens":{"maxLifetime":"1h"}}}`, false},
	"Ingress":               {`{"ingress":{"host":"todo.example.com"}}`, false},
}

// A TodoApp can be labelled, annotated, released, deleted and changed in all that no rule is about without the webhook.
func TestTodoAppWhileTheOperatorIsAway(t *testing.T) {
	ns := namespace(t, "away-app")
	object, own := app("shop", "{}"), app("own", "{backend: {image: 'x:1'}}")
	object.SetFinalizers([]string{"example.com/hold"})
	create(t, object, ns)
	create(t, own, ns)
	separate(t, ns, port(t))
	await(t, "the configuration to count", waiting, func() error {
		other := app("other", "{}")
		other.SetNamespace(ns)
		return refusedForWant(admin.Create(t.Context(), other, client.DryRunAll))
	})
	for name, patch := range appPatches {
		err := admin.Patch(t.Context(), object.DeepCopy(), merge(`{"spec":`+patch.spec+`}`), client.DryRunAll)
		expect(t, err, patch.held, "%s", name)
	}
	expect(t, admin.Patch(t.Context(), own, merge(`{"spec":{"backend":{"image":"x:2"}}}`)), false, "another image")
	expect(t, admin.Patch(t.Context(), own, merge(`{"spec":{"backend":{"image":null}}}`)), true, "the last image")

	change := func(body string) error { return admin.Patch(t.Context(), object, merge(body)) }
	expect(t, change(`{"metadata":{"labels":{"a":"b"},"annotations":{"c":"d"}}}`), false, "labels and annotations")
	status := &unstructured.Unstructured{Object: object.Object}
	expect(t, admin.Status().Patch(t.Context(), status, merge(`{"status":{"observedGeneration":1}}`)), false, "status")
	expect(t, admin.Delete(t.Context(), object), false, "deleting")
	expect(t, change(`{"spec":{"frontend":{"secretRef":{"name":"x"}}}}`), false, "another Secret while going away")
	expect(t, change(`{"metadata":{"finalizers":null}}`), false, "releasing")
}

func merge(body string) client.Patch { return client.RawPatch(types.MergePatchType, []byte(body)) }

func expect(t *testing.T, err error, held bool, what string, args ...any) {
	t.Helper()
	switch {
	case held && err != nil && strings.Contains(err.Error(), "denied the request"):
		// The webhook that the other tests use was asked too, and was faster.
	case held && refusedForWant(err) != nil:
		t.Errorf(what+": got %v, want it to wait for the webhook", append(args, err)...)
	case !held && err != nil:
		t.Errorf(what+": %v", append(args, err)...)
	}
}

// refusedForWant is nil when an error is that of a webhook that nobody serves.
func refusedForWant(err error) error {
	if err != nil && strings.Contains(err.Error(), "failed calling webhook") {
		return nil
	}
	return errors.Join(errors.New("the webhook was not called"), err)
}

// waiting is how long an API server may take to notice something.
const waiting = 10 * time.Second
