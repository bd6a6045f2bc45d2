package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	appsv1 "k8s.io/api/apps/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
	"github.com/todoapp-operator/todoapp-operator/webhook"
)

const (
	// reviewers is the number of reviews at once.
	reviewers = 8
	// reviewFor is how long each kind of review is sent.
	reviewFor = 5 * time.Second
)

// runWebhook sends reviews to the webhook, without the API server in between.
func runWebhook(ctx context.Context, o options, r *report) error {
	return withEnvironment(ctx, o, nil, func(ctx context.Context, e *environment) error {
		address, err := e.serveWebhook(ctx, o)
		if err != nil {
			return err
		}
		apps := fleetOf("one", "app", o.silentApps)
		if err := e.create(ctx, apps, small); err != nil {
			return err
		}
		if err := e.await(ctx, "created", apps, patient, described); err != nil {
			return err
		}
		given := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "one", Name: "given"}}
		given.Data = map[string][]byte{"OTHER": []byte("value")}
		if err := e.client.Create(ctx, given); err != nil {
			return fmt.Errorf("creating a Secret: %w", err)
		}
		if err := e.settle(ctx, patient); err != nil {
			return err
		}
		reviews, err := e.reviews(ctx, apps[0])
		if err != nil {
			return err
		}
		for _, one := range reviews {
			if err := e.measureReviews(ctx, r, address, one); err != nil {
				return err
			}
		}
		return nil
	})
}

// serveWebhook starts a manager with the webhook in namespace "one", and returns the webhook's address.
func (e *environment) serveWebhook(ctx context.Context, o options) (string, error) {
	ports, err := freePorts(1)
	if err != nil {
		return "", err
	}
	directory := e.file("webhook")
	if err := os.Mkdir(directory, 0o700); err != nil {
		return "", fmt.Errorf("making a directory: %w", err)
	}
	for from, to := range map[string]string{"api.crt": "tls.crt", "api.key": "tls.key"} {
		if err := os.Symlink(e.file(from), filepath.Join(directory, to)); err != nil {
			return "", fmt.Errorf("giving the webhook a certificate: %w", err)
		}
	}
	e.manager, e.metrics, err = e.newManager(o, "manager-with-webhook",
		"--webhook=true", "--webhook-port="+ports[0], "--webhook-certificate-dir="+directory)
	if err != nil {
		return "", err
	}
	if err := e.namespace(ctx, "one"); err != nil {
		return "", err
	}
	return "https://127.0.0.1:" + ports[0], e.startManager(ctx)
}

// review is a kind of review.
type review struct {
	what, path, target string
	body               []byte
}

// reviews returns the kinds of reviews about an app.
func (e *environment) reviews(ctx context.Context, name types.NamespacedName) ([]review, error) {
	var old todov1.TodoApp
	if err := e.client.Get(ctx, name, &old); err != nil {
		return nil, fmt.Errorf("reading an app: %w", err)
	}
	old.SetGroupVersionKind(todov1.GroupVersion.WithKind("TodoApp"))
	plain, referring := old.DeepCopy(), old.DeepCopy()
	plain.Name, plain.UID = "new", ""
	referring.Spec.Backend.SecretRef = &todov1.SecretReference{Name: "given"}
	apps, workloads := webhook.Paths["todoapps.todoapp.dev"], webhook.Paths["workloads.todoapp.dev"]
	all := []review{
		{what: "an app with an empty spec", path: apps},
		{what: "an app that refers to an existing Secret", path: apps, target: "≥ 200/s"},
		{what: "a Deployment that also reads another Secret", path: workloads, target: "≥ 200/s"},
	}
	for i, objects := range [][2]client.Object{{plain, nil}, {referring, &old}, {drawing(name), nil}} {
		body, err := body(objects[0], objects[1])
		if err != nil {
			return nil, err
		}
		all[i].body = body
	}
	return all, nil
}

// drawing returns a Deployment of an app that reads the app's Secret and another one.
func drawing(app types.NamespacedName) *appsv1.Deployment {
	labels := map[string]string{todov1.LabelApp: app.Name, todov1.LabelComponent: todov1.ComponentBackend}
	from := func(name string) corev1.EnvFromSource {
		return corev1.EnvFromSource{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: name}}}
	}
	return &appsv1.Deployment{
		TypeMeta:   metav1.TypeMeta{APIVersion: "apps/v1", Kind: "Deployment"},
		ObjectMeta: metav1.ObjectMeta{Namespace: app.Namespace, Name: "drawing", Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{Containers: []corev1.Container{{
					Name: "api", Image: "image", EnvFrom: []corev1.EnvFromSource{from(app.Name + "-backend-auth"), from("given")},
				}}},
			},
		},
	}
}

// body returns the review of a new object, or of an update if there is an old one.
func body(object, old client.Object) ([]byte, error) {
	kind := object.GetObjectKind().GroupVersionKind()
	request := &admissionv1.AdmissionRequest{
		UID: "review", Operation: admissionv1.Create, Namespace: object.GetNamespace(), Name: object.GetName(),
		Kind:     metav1.GroupVersionKind{Group: kind.Group, Version: kind.Version, Kind: kind.Kind},
		UserInfo: authenticationv1.UserInfo{Username: userBench, Groups: []string{"system:masters"}},
	}
	raw, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("encoding an object: %w", err)
	}
	request.Object = runtime.RawExtension{Raw: raw}
	if old != nil {
		request.Operation = admissionv1.Update
		if request.OldObject.Raw, err = json.Marshal(old); err != nil {
			return nil, fmt.Errorf("encoding an object: %w", err)
		}
	}
	content, err := json.Marshal(admissionv1.AdmissionReview{
		TypeMeta: metav1.TypeMeta{APIVersion: "admission.k8s.io/v1", Kind: "AdmissionReview"}, Request: request,
	})
	if err != nil {
		return nil, fmt.Errorf("encoding a review: %w", err)
	}
	return content, nil
}

// measureReviews sends reviews of one kind, several at once and each as soon as the last one was answered.
func (e *environment) measureReviews(ctx context.Context, r *report, address string, one review) error {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(e.certificate)
	sender := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: trusted}, MaxIdleConnsPerHost: reviewers,
	}}
	m, err := e.measure(ctx)
	if err != nil {
		return err
	}
	times := make([][]time.Duration, reviewers)
	errs := make([]error, reviewers)
	var running sync.WaitGroup
	for i := range reviewers {
		running.Go(func() { times[i], errs[i] = sendReviews(ctx, sender, address+one.path, one.body) })
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("reviewing %s: %w", one.what, err)
		}
	}
	c, err := m.cost(ctx, reviewFor)
	if err != nil {
		return err
	}
	all := slices.Sorted(slices.Values(slices.Concat(times...)))
	n := float64(len(all))
	r.add(result{what: "webhook, " + one.what + ": reviews per second", value: n / reviewFor.Seconds(), target: one.target})
	r.add(result{what: "webhook, " + one.what + ": p99", value: all[len(all)*99/100].Seconds() * 1000, unit: "ms"})
	r.add(result{what: "webhook, " + one.what + ": requests per review", value: float64(len(c.requests)) / n})
	r.add(result{what: "webhook, " + one.what + ": CPU per review", value: 1000 * c.cpu() / n, unit: "ms"})
	return nil
}

// sendReviews sends reviews one after the other, and returns how long each took.
func sendReviews(ctx context.Context, sender *http.Client, url string, content []byte) ([]time.Duration, error) {
	var times []time.Duration
	for end := time.Now().Add(reviewFor); time.Now().Before(end); {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(content))
		if err != nil {
			return nil, fmt.Errorf("making a review: %w", err)
		}
		request.Header.Set("Content-Type", "application/json")
		begin := time.Now()
		var answer admissionv1.AdmissionReview
		response, err := sender.Do(request)
		if err != nil {
			return nil, fmt.Errorf("sending a review: %w", err)
		}
		err = json.NewDecoder(response.Body).Decode(&answer)
		_ = response.Body.Close()
		if err != nil {
			return nil, fmt.Errorf("reading an answer: %w", err)
		}
		if r := answer.Response; r == nil || !r.Allowed && r.Result.Code >= http.StatusInternalServerError {
			return nil, fmt.Errorf("the webhook could not decide: %v", r)
		}
		times = append(times, time.Since(begin))
	}
	return times, nil
}
