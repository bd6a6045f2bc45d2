package sqlstore

import (
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ncruces/go-sqlite3"
	"github.com/ncruces/go-sqlite3/vfs"
)

// slowDisk is SQLite's own file layer, except that each sync of the write-ahead log takes longer, or fails.
type slowDisk struct {
	vfs.VFSFilename
	delay time.Duration
	fails atomic.Bool
}

func (d *slowDisk) OpenFilename(name *vfs.Filename, flags vfs.OpenFlag) (vfs.File, vfs.OpenFlag, error) {
	file, flags, err := d.VFSFilename.OpenFilename(name, flags)
	if err != nil {
		return nil, flags, err
	}
	return &slowFile{File: file, disk: d, log: flags&vfs.OPEN_WAL != 0}, flags, nil
}

// slowFile is a file of a slowDisk.
type slowFile struct {
	vfs.File
	disk *slowDisk
	log  bool
}

// SharedMemory implements vfs.FileSharedMemory, which a write-ahead log needs.
func (f *slowFile) SharedMemory() vfs.SharedMemory {
	return f.File.(vfs.FileSharedMemory).SharedMemory()
}

// Sync implements vfs.File.
func (f *slowFile) Sync(flags vfs.SyncFlag) error {
	if f.log && f.disk.fails.Load() {
		return sqlite3.IOERR_FSYNC
	}
	if f.log && f.disk.delay > 0 {
		<-time.After(f.disk.delay)
	}
	return f.File.Sync(flags)
}

// openOnSlowDisk returns a store that writes through a slowDisk, and the number of its commits.
func openOnSlowDisk(t testing.TB, delay time.Duration) (*Store, *slowDisk, *atomic.Int64) {
	t.Helper()
	disk, commits := &slowDisk{VFSFilename: vfs.Find("os").(vfs.VFSFilename), delay: delay}, &atomic.Int64{}
	vfs.Register(t.Name(), disk)
	t.Cleanup(func() { vfs.Unregister(t.Name()) })
	path := filepath.Join(t.TempDir(), "tasks.db")
	store, err := Open(t.Context(), "sqlite://"+path, Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	slow, err := tryConnectSQLite("file:"+path+"?vfs="+t.Name(), sqlite3.OPEN_READWRITE|sqlite3.OPEN_URI, writerSetup)
	if err != nil {
		t.Fatal(err)
	}
	slow.CommitHook(func() bool { commits.Add(1); return true })
	writers := store.engine.(*sqlite).writer
	if err := writers.idle[0].Close(); err != nil {
		t.Fatal(err)
	}
	writers.idle[0] = slow
	return store, disk, commits
}
