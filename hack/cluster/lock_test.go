package main

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestMain lets the test binary run as another process that holds a lock.
func TestMain(m *testing.M) {
	if path := os.Getenv("HOLD_LOCK"); path != "" {
		held, err := openLock(path)
		if err != nil {
			panic(err)
		}
		taken, err := held.take(alive)
		fmt.Println(taken, err)
		_, _ = os.Stdin.Read(make([]byte, 1)) // waits until the test ends
		held.close()
		return
	}
	os.Exit(m.Run())
}

func TestLockEndsWithItsProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	held, err := openLock(path)
	if err != nil {
		t.Fatal(err)
	}
	defer held.close()
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "HOLD_LOCK="+path)
	said, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(said).ReadString('\n'); line != "true <nil>\n" {
		t.Fatalf("the other process said %q", line)
	}
	if owner, err := held.holder(alive); owner != other.Process.Pid || err != nil {
		t.Errorf("holder is %d, %v; want %d", owner, err, other.Process.Pid)
	}
	if owner, err := held.holder(ready); owner != 0 || err != nil {
		t.Errorf("holder of what nobody holds is %d, %v", owner, err)
	}
	if taken, err := held.take(alive); taken || err != nil {
		t.Errorf("took what is held: %v, %v", taken, err)
	}
	_ = other.Process.Kill()
	_ = other.Wait()
	if taken, err := held.take(alive); !taken || err != nil {
		t.Errorf("after the other was killed: %v, %v", taken, err)
	}
}
