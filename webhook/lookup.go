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
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/sets"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// getAll reads the named objects of one kind at the same time and returns those that exist.
// The reader must be live: a decision on what a cache remembers would be about another moment.
func getAll[T any, P interface {
	*T
	client.Object
}](ctx context.Context, reader client.Reader, namespace string, names []string) (map[string]*T, error) {
	found := make(map[string]*T, len(names))
	errs := make([]error, len(names))
	var lock sync.Mutex
	var reads sync.WaitGroup
	for i, name := range names {
		if name == "" || len(content.IsPathSegmentName(name)) > 0 {
			continue // nothing can have such a name
		}
		reads.Go(func() {
			object := P(new(T))
			err := reader.Get(ctx, client.ObjectKey{Namespace: namespace, Name: name}, object)
			switch {
			case apierrors.IsNotFound(err):
			case err != nil:
				errs[i] = fmt.Errorf("reading %q: %w", name, err)
			default:
				lock.Lock()
				defer lock.Unlock()
				found[name] = (*T)(object)
			}
		})
	}
	reads.Wait()
	return found, errors.Join(errs...)
}

// surroundingsOf reads what a decision about a pod needs: its app, the keyrings nearby when it uses any Secret that is not the
// app's own, and the entries of what it takes whole.
func surroundingsOf(ctx context.Context, reader client.Reader, workload client.Object, pod *corev1.PodSpec) (surroundings, error) {
	namespace, name := workload.GetNamespace(), workload.GetLabels()[todov1.LabelApp]
	apps, err := getAll[todov1.TodoApp](ctx, reader, namespace, []string{name})
	if err != nil {
		return surroundings{}, fmt.Errorf("looking up the TodoApp: %w", err)
	}
	around := surroundings{app: apps[name]}
	p, refusal := partOf(workload.GetLabels(), around.app)
	if refusal != nil {
		return around, nil //nolint:nilerr // it is refused for its labels, whatever is around it
	}
	foreign := slices.DeleteFunc(draws(pod, nil), func(d draw) bool {
		return d.name == "" || d.from == fromSecret && d.name == p.own
	})
	err = readForeign(ctx, reader, namespace, foreign, &around)
	return around, err
}

// readForeign fills in what there is to know of the draws on anything but the app's own Secret.
func readForeign(ctx context.Context, reader client.Reader, namespace string, foreign []draw, around *surroundings) error {
	whole := map[origin]sets.Set[string]{fromSecret: {}, fromConfigMap: {}}
	for _, d := range foreign {
		if d.whole {
			whole[d.from].Insert(d.name)
		}
	}
	secrets, err := getAll[corev1.Secret](ctx, reader, namespace, sets.List(whole[fromSecret]))
	if err != nil {
		return fmt.Errorf("looking up Secrets: %w", err)
	}
	configMaps, err := getAll[corev1.ConfigMap](ctx, reader, namespace, sets.List(whole[fromConfigMap]))
	if err != nil {
		return fmt.Errorf("looking up ConfigMaps: %w", err)
	}
	around.secrets, around.configMaps = map[string][]string{}, map[string][]string{}
	for name, s := range secrets {
		around.secrets[name] = slices.Collect(maps.Keys(s.Data))
	}
	for name, c := range configMaps {
		around.configMaps[name] = slices.AppendSeq(slices.Collect(maps.Keys(c.Data)), maps.Keys(c.BinaryData))
	}
	if slices.ContainsFunc(foreign, func(d draw) bool { return d.from == fromSecret }) {
		around.keyrings, err = listKeyrings(ctx, reader, namespace)
	}
	return err
}

// listKeyrings returns the names of the keyring Secrets of a namespace.
func listKeyrings(ctx context.Context, reader client.Reader, namespace string) (sets.Set[string], error) {
	var list metav1.PartialObjectMetadataList
	list.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("SecretList"))
	err := reader.List(ctx, &list, client.InNamespace(namespace),
		client.MatchingLabels{todov1.LabelComponent: todov1.ComponentKeyring})
	if err != nil {
		return nil, fmt.Errorf("listing keyrings: %w", err)
	}
	names := sets.New[string]()
	for _, item := range list.Items {
		names.Insert(item.Name)
	}
	return names, nil
}
