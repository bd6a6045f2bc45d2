package keysource

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

const (
	// settle lets a writer that is not atomic finish, and a burst of events become one reload.
	settle = 20 * time.Millisecond
	// poll finds changes that notifications miss: a directory that was replaced, a file system without notifications.
	poll = 5 * time.Second
)

// Dir holds the keys of a watched directory. Its keys are always usable: a reload that fails keeps the last good ones.
type Dir struct {
	path   string
	keys   atomic.Pointer[authn.Keys]
	seen   state
	report func(*authn.Keys, error)
	// blind is called if notifications fail.
	blind func(error)
}

// state is the outcome of one read of the directory. A changed outcome is a change.
type state struct {
	name, content, failure string
}

// OpenDir reads the directory for the first time. report is called for every later change with the keys now trusted, and
// with the error if the change was refused. blind is called with the reason if changes may be noticed some seconds late.
func OpenDir(path string, report func(*authn.Keys, error), blind func(error)) (*Dir, error) {
	d := &Dir{path: path, report: report, blind: blind}
	keys, err := d.read()
	if err != nil {
		return nil, err
	}
	d.keys.Store(keys)
	return d, nil
}

// Keys returns the keys trusted now.
func (d *Dir) Keys() *authn.Keys { return d.keys.Load() }

// Watch reloads on every change until the context ends. If the system offers no notifications, it reports that and polls
// every few seconds.
func (d *Dir) Watch(ctx context.Context) {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		d.blind(fmt.Errorf("watching %s: %w", d.path, err))
		watcher = &fsnotify.Watcher{}
	} else {
		defer func() { _ = watcher.Close() }()
	}
	d.follow(ctx, watcher, err == nil)
}

func (d *Dir) follow(ctx context.Context, watcher *fsnotify.Watcher, notified bool) {
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	due := time.After(0)
	var failure error // of the last time that the directory was added
	for {
		select {
		case <-ctx.Done():
			return
		case <-watcher.Events:
			if due == nil {
				due = time.After(settle)
			}
		case err := <-watcher.Errors:
			d.blind(fmt.Errorf("watching %s: %w", d.path, err))
		case <-ticker.C:
			due = time.After(0)
		case <-due:
			due = nil
			// Adding again is free, and follows a directory that was replaced by another of its name.
			if notified {
				before := failure
				if failure = watcher.Add(d.path); failure != nil && before == nil {
					d.blind(fmt.Errorf("watching %s: %w", d.path, failure))
				}
			}
			d.reload()
		}
	}
}

// reload replaces the keys if the directory has changed to usable ones.
func (d *Dir) reload() {
	before := d.seen
	keys, err := d.read()
	if d.seen == before {
		return
	}
	if err == nil {
		d.keys.Store(keys)
	}
	d.report(d.Keys(), err)
}

func (d *Dir) read() (*authn.Keys, error) {
	name, content, err := readDir(d.path)
	if err != nil {
		d.seen = state{failure: err.Error()}
		return nil, err
	}
	d.seen = state{name: name, content: content}
	return parse(name, content)
}
