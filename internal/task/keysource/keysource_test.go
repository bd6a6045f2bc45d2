package keysource

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/authn"
)

func TestFromEnv(t *testing.T) {
	nine := "1:a,2:b,3:c,4:d,5:e,6:f,7:g,8:h,9:i"
	for name, c := range map[string]struct {
		list, single string
		versions     []int64
		failure      string
	}{
		"nothing":            {failure: "neither BETTER_AUTH_SECRETS nor BETTER_AUTH_SECRET is set"},
		"single":             {single: "s3cret", versions: []int64{1}},
		"list":               {list: "2:new,1:old", versions: []int64{2, 1}},
		"list wins":          {list: "3:a,2:b", single: "s3cret", versions: []int64{3, 2}},
		"published":          {list: "1:a,2:b", versions: []int64{1, 2}},
		"eight":              {list: strings.TrimSuffix(nine, ",9:i"), versions: []int64{1, 2, 3, 4, 5, 6, 7, 8}},
		"nine":               {list: nine, failure: "at most 8"},
		"twice":              {list: "1:a,1:b", failure: "version 1 appears twice"},
		"trailing comma":     {list: "1:a,", failure: "entry 2"},
		"no version":         {list: "s3cret", single: "good", failure: "entry 1"},
		"blank single":       {single: " \n", failure: "version 1 is blank"},
		"no secret in error": {list: "1:s3cret,x:s3cret", failure: "entry 2"},
	} {
		t.Run(name, func(t *testing.T) {
			keys, err := FromEnv(func(k string) string {
				return map[string]string{listName: c.list, singleName: c.single}[k]
			})
			expect(t, keys, err, c.versions, c.failure)
		})
	}
}

func TestOpenDir(t *testing.T) {
	for name, c := range map[string]struct {
		files    map[string]string
		versions []int64
		failure  string
	}{
		"nothing":     {failure: "neither a file BETTER_AUTH_SECRETS nor BETTER_AUTH_SECRET"},
		"single":      {files: map[string]string{singleName: "k"}, versions: []int64{1}},
		"both":        {files: map[string]string{singleName: "k", listName: "7:k,6:j"}, versions: []int64{7, 6}},
		"line break":  {files: map[string]string{listName: "7:k,6:j\n"}, versions: []int64{7, 6}},
		"empty list":  {files: map[string]string{singleName: "k", listName: ""}, failure: "entry 1"},
		"empty":       {files: map[string]string{singleName: ""}, failure: "blank"},
		"other files": {files: map[string]string{"SECRET": "k"}, failure: "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range c.files {
				write(t, filepath.Join(dir, file), content)
			}
			var keys *authn.Keys
			opened, err := OpenDir(dir, nil, nil)
			if err == nil {
				keys = opened.Keys()
			}
			expect(t, keys, err, c.versions, c.failure)
		})
	}
}

func expect(t *testing.T, keys *authn.Keys, err error, versions []int64, failure string) {
	t.Helper()
	if failure != "" {
		if err == nil || !strings.Contains(err.Error(), failure) || strings.Contains(err.Error(), "s3cret") {
			t.Fatalf("error %v, want one that says %q and no secret", err, failure)
		}
		return
	}
	if err != nil || !slices.Equal(keys.Versions(), versions) {
		t.Fatalf("got %v, %v, want %v", keys, err, versions)
	}
}

// change is one report of a watched directory.
type change struct {
	versions []int64
	err      error
}

func watched(t *testing.T, dir string) (*Dir, chan change) {
	t.Helper()
	changes := make(chan change, 100)
	d, err := OpenDir(dir, func(k *authn.Keys, err error) { changes <- change{k.Versions(), err} },
		func(err error) { t.Log(err) })
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); d.Watch(t.Context()) }()
	t.Cleanup(func() { <-done })
	return d, changes
}

func next(t *testing.T, changes chan change) change {
	t.Helper()
	select {
	case c := <-changes:
		return c
	case <-time.After(2 * time.Second):
		t.Fatal("no change was reported")
		return change{}
	}
}

func TestWatchFollowsTheSwapOfAMountedSecret(t *testing.T) {
	m := newMount(t, map[string]string{singleName: "one"})
	d, changes := watched(t, m.dir)

	start := time.Now()
	m.swap(map[string]string{singleName: "one", listName: "1:one,2:two"})
	if c := next(t, changes); c.err != nil || !slices.Equal(c.versions, []int64{1, 2}) {
		t.Fatalf("after the swap: %+v", c)
	}
	t.Logf("visible after %v", time.Since(start))

	m.swap(map[string]string{listName: "nonsense"})
	if c := next(t, changes); c.err == nil || !slices.Equal(c.versions, []int64{1, 2}) {
		t.Fatalf("a bad reload must keep the last good keys: %+v", c)
	}
	m.swap(map[string]string{})
	if c := next(t, changes); c.err == nil || !slices.Equal(d.Keys().Versions(), []int64{1, 2}) {
		t.Fatalf("a reload without keys must keep the last good ones: %+v", c)
	}
	m.swap(map[string]string{listName: "2:two"})
	if c := next(t, changes); c.err != nil || !slices.Equal(d.Keys().Versions(), []int64{2}) {
		t.Fatalf("after the repair: %+v", c)
	}
	if len(changes) > 0 {
		t.Fatalf("reported again without a change: %+v", <-changes)
	}
}

// TestASwapIsSeenAsAWhole: a list that goes with its generation is in the next one, and never taken for none.
func TestASwapIsSeenAsAWhole(t *testing.T) {
	files := map[string]string{singleName: "one", listName: "1:one,2:two"}
	m := newMount(t, files)
	swapped := make(chan struct{})
	go func() {
		defer close(swapped)
		for range 2000 {
			m.swap(files)
		}
	}()
	for reads := 0; ; reads++ {
		select {
		case <-swapped:
			t.Logf("%d reads during 2000 swaps", reads)
			return
		default:
		}
		if name, _, err := readDir(m.dir); err != nil || name != listName {
			t.Errorf("read %d found %q, %v", reads, name, err)
			<-swapped
			return
		}
	}
}

func TestWatchFollowsAReplacedDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "auth")
	fill := func(list string) {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, listName), list)
	}
	fill("1:a")
	d, changes := watched(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if c := next(t, changes); c.err == nil {
		t.Fatalf("the directory is gone: %+v", c)
	}
	fill("2:b,1:a")
	for c := range changes {
		if c.err == nil {
			break
		}
	}
	if !slices.Equal(d.Keys().Versions(), []int64{2, 1}) {
		t.Fatalf("got %v", d.Keys().Versions())
	}
}
