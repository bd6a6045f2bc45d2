package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

func TestProcessThatEndsIsReportedWithItsLog(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p := start(ctx, component{"crasher", "sh", []string{"-c", "echo no such flag; exit 3"}}, t.TempDir())
	err := await(ctx, time.Minute, "crasher", func(context.Context) error { return errors.New("not yet") }, p)
	if err == nil || !strings.Contains(err.Error(), "no such flag") || !strings.Contains(err.Error(), "exit status 3") {
		t.Errorf("got %v", err)
	}
	cancel()
	<-p.done
}

func TestProcessIsStartedAgainAndStopped(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	dir := t.TempDir()
	// The first run creates a file and ends. The second run finds the file and continues.
	script := `if [ -e "$0" ]; then touch "$0.again"; exec sleep 60; fi; touch "$0"`
	p := start(ctx, component{"worker", "sh", []string{"-c", script, filepath.Join(dir, "ran")}}, dir)
	err := await(ctx, time.Minute, "a second run", func(context.Context) error {
		_, err := os.Stat(filepath.Join(dir, "ran.again"))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-p.done
}

func TestAwaitSaysWhatItWaitedFor(t *testing.T) {
	err := await(t.Context(), time.Millisecond, "rain", func(context.Context) error { return errors.New("dry") })
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "rain") || !strings.Contains(err.Error(), "dry") {
		t.Errorf("got %v", err)
	}
}
