package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/todoapp-operator/todoapp-operator/internal/keyring"
)

// ServeHTTP answers /keyring as the embedded API does.
func (c *container) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/keyring" {
		http.NotFound(w, r)
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"versions": c.versions, "active": c.versions[0]}) // a client that left gets no answer
}

// uses reports whether the pod uses a version.
func (c *container) uses(version int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Contains(c.versions, version)
}

// authSecret returns the name of the Secret with a pod's keys. It is empty if the pod has none.
func authSecret(pod *corev1.Pod) string {
	for _, v := range pod.Spec.Volumes {
		if v.Secret != nil && v.Name == "auth" {
			return v.Secret.SecretName
		}
	}
	for _, c := range pod.Spec.Containers {
		for _, from := range c.EnvFrom {
			if from.SecretRef != nil {
				return from.SecretRef.Name
			}
		}
	}
	return ""
}

// versionsOf returns the versions in a component's Secret in their order.
func versionsOf(data map[string][]byte) ([]int64, error) {
	entries, err := keyring.ParseList(string(data[keyring.EntrySecrets]))
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", keyring.EntrySecrets, err)
	}
	versions := make([]int64, len(entries))
	for i, entry := range entries {
		versions[i] = entry.Version
	}
	return versions, nil
}

// belongs reports whether a pod's name is that of a backend's pod of an app.
func belongs(pod, app string) bool { return strings.HasPrefix(pod, app+"-backend-") }
