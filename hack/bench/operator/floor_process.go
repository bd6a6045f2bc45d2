package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/controller-runtime/pkg/client"

	todov1 "github.com/todoapp-operator/todoapp-operator/api/v1alpha1"
)

// runFloor is the process of the floor. It creates or rotates copies in namespaces, several at once.
func runFloor(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("floor", flag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "`file` of the client")
	path := flags.String("template", "", "`file` with the objects to copy")
	namespaces := flags.String("namespaces", "", "`namespaces` of the copies, by turns")
	apps := flags.Int("apps", 0, "`number` of copies")
	rotate := flags.Bool("rotate", false, "send the writes of a rotation to copies that exist")
	if err := flags.Parse(args); err != nil {
		return fmt.Errorf("reading the flags: %w", err)
	}
	config, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	c, err := client.New(config, client.Options{})
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	content, err := os.ReadFile(*path)
	if err != nil {
		return fmt.Errorf("reading the template: %w", err)
	}
	var t template
	if err := json.Unmarshal(content, &t); err != nil {
		return fmt.Errorf("reading the template: %w", err)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(creators)
	into := strings.Split(*namespaces, ",")
	for i := range *apps {
		group.Go(func() error {
			one, err := t.copy("copy-" + strconv.Itoa(i))
			if err != nil {
				return err
			}
			if *rotate {
				return one.rotate(ctx, c, into[i%len(into)])
			}
			return one.create(ctx, c, into[i%len(into)])
		})
	}
	return group.Wait()
}

// floor measures the floor for a number of apps in namespaces that do not exist yet. The manager must not run. The copies are
// deleted afterwards.
func (e *environment) floor(ctx context.Context, t template, apps int, namespaces ...string) (cost, error) {
	for _, namespace := range namespaces {
		if err := e.namespace(ctx, namespace); err != nil {
			return cost{}, err
		}
	}
	spent, err := e.runFloor(ctx, t, apps, namespaces)
	if err != nil {
		return cost{}, err
	}
	return spent, e.clear(ctx, namespaces)
}

// floorRotation measures the floor of a number of rotations: the request for it, two updates of each Secret, two statuses and two
// Events. The manager must not run.
func (e *environment) floorRotation(ctx context.Context, t template, apps int) (cost, error) {
	t.Objects = slices.DeleteFunc(slices.Clone(t.Objects), func(object unstructured.Unstructured) bool {
		return object.GetKind() == "Deployment" // pods of the copies would count
	})
	namespaces := []string{"floor-rotation"}
	if err := e.namespace(ctx, namespaces[0]); err != nil {
		return cost{}, err
	}
	if _, err := e.runFloor(ctx, t, apps, namespaces); err != nil {
		return cost{}, err
	}
	spent, err := e.runFloor(ctx, t, apps, namespaces, "-rotate")
	if err != nil {
		return cost{}, err
	}
	return spent, e.clear(ctx, namespaces)
}

// runFloor runs the process of the floor and measures it.
func (e *environment) runFloor(ctx context.Context, t template, apps int, namespaces []string, args ...string) (cost, error) {
	content, err := json.Marshal(t)
	if err != nil {
		return cost{}, fmt.Errorf("writing the template: %w", err)
	}
	if err := os.WriteFile(e.file("template.json"), content, 0o600); err != nil {
		return cost{}, fmt.Errorf("writing the template: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return cost{}, fmt.Errorf("finding this program: %w", err)
	}
	p := e.process("floor", self, append([]string{"floor",
		"-kubeconfig=" + e.file(userFloor+".kubeconfig"), "-template=" + e.file("template.json"),
		"-namespaces=" + strings.Join(namespaces, ","), "-apps=" + strconv.Itoa(apps)}, args...)...)
	m, err := e.measureUser(ctx, userFloor, p)
	if err != nil {
		return cost{}, err
	}
	if err := p.start(); err != nil {
		return cost{}, err
	}
	select {
	case <-p.done:
	case <-ctx.Done():
		p.kill()
		return cost{}, context.Cause(ctx)
	}
	took := time.Since(m.begin)
	code := p.command.ProcessState.ExitCode()
	p.settle()
	if code != 0 {
		return cost{}, fmt.Errorf("the floor failed: %s", p.tail())
	}
	return m.cost(ctx, took)
}

// clear deletes the TodoApps and the objects of apps in namespaces.
func (e *environment) clear(ctx context.Context, namespaces []string) error {
	kinds := append([]schema.GroupVersionKind{todov1.GroupVersion.WithKind("TodoApp")}, childKinds...)
	for _, namespace := range namespaces {
		for _, kind := range kinds {
			object := &unstructured.Unstructured{}
			object.SetGroupVersionKind(kind)
			if err := e.client.DeleteAllOf(ctx, object, client.InNamespace(namespace)); err != nil {
				return fmt.Errorf("deleting the copies: %w", err)
			}
		}
	}
	return nil
}
