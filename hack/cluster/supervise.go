package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

// supervisor runs the cluster in the foreground of one process.
type supervisor struct {
	layout
	audit   bool
	running []*process
	client  kubernetes.Interface
}

// supervise starts a cluster, keeps it running until the context ends, and then removes it. It prints its steps to
// standard output.
func (l layout) supervise(ctx context.Context, held lock, audit bool) error {
	ctx, cancel := context.WithCancel(ctx)
	s := &supervisor{layout: l, audit: audit}
	err := s.bringUp(ctx)
	if err == nil {
		if _, err = held.take(ready); err == nil {
			fmt.Println("the cluster is ready")
			err = s.provideVolumes(ctx)
		}
	}
	interrupted := ctx.Err() != nil
	cancel()
	if err != nil && !interrupted {
		fmt.Println("failed; cleaning up")
	}
	for _, p := range s.running {
		<-p.done
	}
	cleaning := l.sweep(context.Background())
	if interrupted {
		return cleaning
	}
	return errors.Join(err, cleaning)
}

// bringUp starts the components in the order of their dependencies.
func (s *supervisor) bringUp(ctx context.Context) error {
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"removing what an earlier cluster left", s.sweep},
		{"preparing certificates, network and cgroups", s.prepare},
		{"starting etcd and containerd", s.startStores},
		{"starting the API server", s.startAPIServer},
		{"starting kubelet, controllers, scheduler, proxy, DNS", s.startRest},
		{"waiting for the node to be ready", s.awaitNode},
		{"waiting for Services and DNS to answer", s.awaitServices},
	} {
		started := time.Now()
		fmt.Printf("%-56s", step.name)
		if err := step.do(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		fmt.Printf("%6.1f s\n", time.Since(started).Seconds())
	}
	return nil
}

func (s *supervisor) prepare(ctx context.Context) error {
	for _, dir := range []string{s.State, s.Run, s.logs(), s.volumes()} {
		if err := os.MkdirAll(dir, 0o711); err != nil {
			return err
		}
	}
	return errors.Join(
		s.writeCredentials(time.Now()), s.writeConfig(), s.tuneKernel(), s.createCgroups(), s.connect(ctx))
}

// start runs a component until the supervisor stops.
func (s *supervisor) start(ctx context.Context, c component) *process {
	p := start(ctx, c, s.logs())
	s.running = append(s.running, p)
	return p
}

func (s *supervisor) startStores(ctx context.Context) error {
	etcd, containerd := s.start(ctx, s.etcd()), s.start(ctx, s.containerd())
	pause := filepath.Join(s.State, "pause.tar")
	if err := ofBinary(filepath.Join(s.Bin, "cluster", "pause")).write(ctx, s.PauseImage, pause); err != nil {
		return err
	}
	err := await(ctx, time.Minute, "containerd", func(ctx context.Context) error {
		return s.load(ctx, pause)
	}, containerd)
	if err != nil {
		return err
	}
	return await(ctx, time.Minute, "etcd", dials(s.NodeAddress+":2379"), etcd)
}

func (s *supervisor) startAPIServer(ctx context.Context) error {
	server := s.start(ctx, s.apiServer(s.audit))
	config, err := clientcmd.BuildConfigFromFlags("", s.admin())
	if err != nil {
		return err
	}
	config.QPS, config.Burst = 200, 200
	if s.client, err = kubernetes.NewForConfig(config); err != nil {
		return err
	}
	return await(ctx, 2*time.Minute, "the API server", func(ctx context.Context) error {
		return s.client.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	}, server)
}

func (s *supervisor) startRest(ctx context.Context) error {
	for _, c := range []component{s.kubelet(), s.controllerManager(), s.scheduler(), s.kubeProxy(), s.coreDNS()} {
		s.start(ctx, c)
	}
	return run(ctx, s.kubernetes("kubectl"), "--kubeconfig="+s.admin(),
		"apply", "-f", filepath.Join(s.config(), "objects.yaml"))
}
