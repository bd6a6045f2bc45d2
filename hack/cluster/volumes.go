package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const (
	selectedNode  = "volume.kubernetes.io/selected-node" // set by the scheduler on a claim
	provisionedBy = "pv.kubernetes.io/provisioned-by"    // keeps Kubernetes' controllers from deleting the volume
	resyncEvery   = 30 * time.Second                     // the pause before a failed attempt is repeated
)

// provideVolumes gives every claim of the default class a directory of the host, and removes it after the claim is
// deleted. It runs until the context ends.
func (s *supervisor) provideVolumes(ctx context.Context) error {
	factory := informers.NewSharedInformerFactory(s.client, resyncEvery)
	core := factory.Core().V1()
	watch := func(informer cache.SharedIndexInformer, handle func(object any) error) error {
		attempt := func(object any) {
			if err := handle(object); err != nil && ctx.Err() == nil {
				fmt.Println("volumes:", err)
			}
		}
		_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
			AddFunc: attempt, UpdateFunc: func(_, object any) { attempt(object) },
		})
		return err
	}
	err := watch(core.PersistentVolumeClaims().Informer(), func(object any) error {
		return s.provide(ctx, object.(*corev1.PersistentVolumeClaim))
	})
	if err != nil {
		return err
	}
	err = watch(core.PersistentVolumes().Informer(), func(object any) error {
		return s.reclaim(ctx, object.(*corev1.PersistentVolume))
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// provide creates the volume of a pending claim.
func (s *supervisor) provide(ctx context.Context, claim *corev1.PersistentVolumeClaim) error {
	if !s.waits(claim) {
		return nil
	}
	volume := s.volumeFor(claim)
	if err := os.MkdirAll(volume.Spec.Local.Path, 0o777); err != nil {
		return err
	}
	// The mode is set explicitly because the umask would close the directory to other users.
	if err := os.Chmod(volume.Spec.Local.Path, 0o777); err != nil {
		return err
	}
	_, err := s.client.CoreV1().PersistentVolumes().Create(ctx, volume, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}

func (s *supervisor) waits(claim *corev1.PersistentVolumeClaim) bool {
	class := claim.Spec.StorageClassName
	return claim.Spec.VolumeName == "" && claim.DeletionTimestamp == nil &&
		class != nil && *class == "standard" && claim.Annotations[selectedNode] != ""
}

func (s *supervisor) volumeFor(claim *corev1.PersistentVolumeClaim) *corev1.PersistentVolume {
	name := "pvc-" + string(claim.UID)
	return &corev1.PersistentVolume{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{provisionedBy: s.Provisioner}},
		Spec: corev1.PersistentVolumeSpec{
			Capacity:                      claim.Spec.Resources.Requests,
			AccessModes:                   claim.Spec.AccessModes,
			PersistentVolumeReclaimPolicy: corev1.PersistentVolumeReclaimDelete,
			StorageClassName:              *claim.Spec.StorageClassName,
			ClaimRef: &corev1.ObjectReference{
				APIVersion: "v1", Kind: "PersistentVolumeClaim",
				Namespace: claim.Namespace, Name: claim.Name, UID: claim.UID,
			},
			PersistentVolumeSource: corev1.PersistentVolumeSource{
				Local: &corev1.LocalVolumeSource{Path: filepath.Join(s.volumes(), name)},
			},
			NodeAffinity: &corev1.VolumeNodeAffinity{Required: onNode(s.NodeName)},
		},
	}
}

func onNode(name string) *corev1.NodeSelector {
	return &corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{
		MatchExpressions: []corev1.NodeSelectorRequirement{{
			Key: corev1.LabelHostname, Operator: corev1.NodeSelectorOpIn, Values: []string{name},
		}},
	}}}
}

// reclaim removes a volume and its data after its claim was deleted.
func (s *supervisor) reclaim(ctx context.Context, volume *corev1.PersistentVolume) error {
	ours := volume.Annotations[provisionedBy] == s.Provisioner && volume.Spec.Local != nil
	if !ours || volume.Status.Phase != corev1.VolumeReleased ||
		volume.Spec.PersistentVolumeReclaimPolicy != corev1.PersistentVolumeReclaimDelete {
		return nil
	}
	if err := os.RemoveAll(filepath.Join(s.volumes(), volume.Name)); err != nil {
		return err
	}
	err := s.client.CoreV1().PersistentVolumes().Delete(ctx, volume.Name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
