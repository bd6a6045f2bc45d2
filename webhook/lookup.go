package webhook

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/internal/desired"
)

// getAll reads the named objects of one kind at the same time and returns those that exist, each trimmed to what the rules
// are about. The number of objects that are read and not yet trimmed is bounded for the process.
// The reader must be live: a cache may hold an older state than the review.
func getAll[T any, P interface {
	*T
	client.Object
}](ctx context.Context, reader client.Reader, namespace string, names []string, trim func(*T)) (map[string]*T, error) {
	found := make(map[string]*T, len(names))
	var errs []error
	var lock sync.Mutex
	possible := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return name == "" || len(content.IsPathSegmentName(name)) > 0 // no object has such a name
	})
	err := atOnce(ctx, possible, func(name string) {
		object := P(new(T))
		err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
		lock.Lock()
		defer lock.Unlock()
		switch {
		case apierrors.IsNotFound(err):
		case err != nil:
			errs = append(errs, fmt.Errorf("reading %q: %w", name, err))
		default:
			trim((*T)(object))
			found[name] = (*T)(object)
		}
	})
	return found, errors.Join(append(errs, err)...)
}

// lookUp reads the objects that the rules for a pod need: its TodoApp, each Secret except the app's own, because it may be a
// keyring or hold a shared key, and each ConfigMap that the pod takes whole. The number of reads depends on the pod alone.
func lookUp(ctx context.Context, reader client.Reader, workload client.Object, pod *corev1.PodSpec) (lookupResults, error) {
	namespace, name := workload.GetNamespace(), workload.GetLabels()[todov1.LabelApp]
	apps, err := getAll[todov1.TodoApp](ctx, reader, namespace, []string{name}, onlyReferences)
	if err != nil {
		return lookupResults{}, fmt.Errorf("looking up the TodoApp: %w", err)
	}
	results := lookupResults{app: apps[name]}
	p, refusal := membershipOf(workload.GetLabels(), results.app)
	if refusal != nil {
		return results, nil //nolint:nilerr // it is refused for its labels alone
	}
	foreign := slices.DeleteFunc(podReferences(pod, nil), func(d podReference) bool {
		return d.name == "" || d.from == fromSecret && d.name == p.own
	})
	err = readForeign(ctx, reader, namespace, foreign, &results)
	return results, err
}

// readForeign reads the objects of references to anything but the app's own Secret.
func readForeign(
	ctx context.Context, reader client.Reader, namespace string, foreign []podReference, results *lookupResults,
) error {
	read := map[origin]sets.Set[string]{fromSecret: {}, fromConfigMap: {}}
	for _, d := range foreign {
		if d.from == fromSecret || d.whole {
			read[d.from].Insert(d.name)
		}
	}
	secrets, err := getAll[corev1.Secret](ctx, reader, namespace, sets.List(read[fromSecret]), trimEntries)
	if err != nil {
		return fmt.Errorf("looking up Secrets: %w", err)
	}
	configMaps, err := getAll[corev1.ConfigMap](ctx, reader, namespace, sets.List(read[fromConfigMap]), trimConfigMap)
	if err != nil {
		return fmt.Errorf("looking up ConfigMaps: %w", err)
	}
	results.keyrings = sets.New[string]()
	results.secrets, results.configMaps = map[string][]string{}, map[string][]string{}
	for name, s := range secrets {
		results.secrets[name] = slices.Collect(maps.Keys(s.Data))
		if desired.IsKeyring(s) {
			results.keyrings.Insert(name)
		}
	}
	for name, c := range configMaps {
		results.configMaps[name] = slices.AppendSeq(slices.Collect(maps.Keys(c.Data)), maps.Keys(c.BinaryData))
	}
	return nil
}

// appsNaming returns the TodoApps of a namespace that name one of the Secrets, reduced to the Secrets that they name. The index of
// a cache names the candidates, which are then read live: an app that the cache does not hold yet could as well have been
// created after this review, and then the controller decides which of the two gets the Secret.
func appsNaming(ctx context.Context, cache, live client.Reader, namespace string, secrets []string) ([]todov1.TodoApp, error) {
	candidates := sets.New[string]()
	for _, secret := range secrets {
		var list todov1.TodoAppList
		err := cache.List(ctx, &list, client.InNamespace(namespace),
			client.MatchingFields{desired.IndexNamedSecrets: secret}, client.UnsafeDisableDeepCopy)
		if err != nil {
			return nil, fmt.Errorf("finding the TodoApps that name Secret %q: %w", secret, err)
		}
		for i := range list.Items {
			candidates.Insert(list.Items[i].Name)
		}
	}
	found, err := getAll[todov1.TodoApp](ctx, live, namespace, sets.List(candidates), onlyReferences)
	if err != nil {
		return nil, fmt.Errorf("looking up TodoApps: %w", err)
	}
	var apps []todov1.TodoApp
	for _, name := range slices.Sorted(maps.Keys(found)) {
		apps = append(apps, *found[name])
	}
	return apps, nil
}
