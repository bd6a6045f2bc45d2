package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/todoapp-operator/todoapp-operator/internal/task/storetest/pgtest"
)

// writeConnections are the numbers of connections with which writes are measured.
var writeConnections = []int{1, 8, 32}

// oneTask is the body of a request that creates a task.
const oneTask = `{"title":"Buy milk","description":"Two litres, in a sentence of common length."}`

// requests returns the n-th request of a connection, or nil if there is none.
type requests func(connection, n int) []byte

// writeKinds prepare the requests of one turn.
var writeKinds = []struct {
	name    string
	prepare func(o options, side *process, connections int) (requests, error)
}{
	{"create", creates}, {"edit", edits}, {"delete", deletes},
}

func creates(_ options, side *process, _ int) (requests, error) {
	request := side.write(http.MethodPost, side.tasks, oneTask)
	return func(int, int) []byte { return request }, nil
}

// edits give each connection a task of its own.
func edits(_ options, side *process, connections int) (requests, error) {
	ids, err := side.create(connections)
	if err != nil {
		return nil, err
	}
	var all [][]byte
	for _, id := range ids {
		all = append(all, side.write(http.MethodPut, fmt.Sprintf("%s/%d", side.tasks, id), `{"title":"Buy bread","completed":true}`))
	}
	return func(connection, _ int) []byte { return all[connection] }, nil
}

// deletes creates the tasks first, enough for a part of a turn.
func deletes(o options, side *process, connections int) (requests, error) {
	ids, err := side.create(o.deletes)
	if err != nil {
		return nil, err
	}
	return func(connection, n int) []byte {
		if at := n*connections + connection; at < len(ids) {
			return side.write(http.MethodDelete, fmt.Sprintf("%s/%d", side.tasks, ids[at]), "")
		}
		return nil
	}, nil
}

// write returns the bytes of a request with a body of JSON.
func (p *process) write(method, path, body string) []byte {
	return fmt.Appendf(nil, "%s %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: %d\r\n\r\n%s", method, path, p.address, p.bearer, len(body), body)
}

// create creates tasks on many connections and returns their IDs.
func (p *process) create(count int) (ids []int64, err error) {
	const connections = 32
	request := p.write(http.MethodPost, p.tasks, oneTask)
	var mu sync.Mutex
	left := count
	take := func(int, int) []byte {
		mu.Lock()
		defer mu.Unlock()
		if left--; left < 0 {
			return nil
		}
		return request
	}
	_, err = drive(p.address, min(connections, count), time.Minute, take, func(body []byte) error {
		id, err := idIn(body)
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, id)
		return err
	})
	if err == nil && len(ids) < count {
		err = fmt.Errorf("only %d of %d tasks in a minute", len(ids), count)
	}
	return ids, err
}

// benchWrites compares creates, edits and deletes of two builds on SQLite, then creates on PostgreSQL with the floor.
func benchWrites(o options) (err error) {
	folder, err := os.MkdirTemp("", "todoapp-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	if err := benchSQLiteWrites(o, folder); err != nil || o.syncDelay > 0 {
		return err
	}
	server, err := pgtest.Start(true)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, server.Stop()) }()
	o.database = server.URL("postgres")
	fmt.Println("PostgreSQL")
	return compareWrites(o, []int{32}, 1, startAPI, startFloor)
}

func benchSQLiteWrites(o options, folder string) error {
	starts := []func(options) (*process, error){}
	for i, build := range []struct{ name, binary string }{{"API", o.binary}, {"API before", o.against}} {
		if build.binary == "" {
			continue
		}
		starts = append(starts, func(o options) (*process, error) {
			o.binary, o.database = build.binary, "sqlite://"+filepath.Join(folder, fmt.Sprintf("writes-%d.db", i))
			side, err := startAPI(o)
			if err == nil {
				side.name = build.name
			}
			return side, err
		})
	}
	fmt.Printf("SQLite, each sync delayed by %s\n", o.syncDelay)
	return compareWrites(o, writeConnections, len(writeKinds), starts...)
}

// compareWrites lets the sides take turns for the first kinds of writes. The last side is the one to compare with.
func compareWrites(o options, connections []int, kinds int, starts ...func(options) (*process, error)) (err error) {
	var sides []*process
	defer func() {
		for _, side := range sides {
			err = errors.Join(err, side.stop())
		}
	}()
	for _, start := range starts {
		side, err := start(o)
		if err != nil {
			return err
		}
		sides = append(sides, side)
	}
	for _, kind := range writeKinds[:kinds] {
		for _, clients := range connections {
			results := make([]measured, len(sides))
			for range o.rounds {
				for i, side := range sides {
					next, err := kind.prepare(o, side, clients)
					if err == nil {
						err = results[i].writeTurn(o, side, clients, next)
					}
					if err != nil {
						return fmt.Errorf("%s, %s: %w", kind.name, side.name, err)
					}
				}
			}
			reportWrites(fmt.Sprintf("%s, %d connections", kind.name, clients), sides, results)
		}
	}
	return nil
}

// reportWrites prints the median turn of each side, and the median of the ratios of two turns that followed each other.
func reportWrites(name string, sides []*process, results []measured) {
	last := results[len(results)-1].rates
	for i, side := range sides {
		ratios := make([]float64, len(last))
		for turn, rate := range results[i].rates {
			ratios[turn] = rate / last[turn]
		}
		fmt.Printf("%s, %s: %.0f/s, to %s %.2f, CPU for a request %.1f µs\n",
			name, side.name, median(results[i].rates), sides[len(sides)-1].name, median(ratios), median(results[i].costs))
	}
}

func (m *measured) writeTurn(o options, side *process, connections int, next requests) error {
	before, err := side.cpu()
	if err != nil {
		return err
	}
	began := time.Now()
	answered, err := drive(side.address, connections, o.round, next, func([]byte) error { return nil })
	if err != nil {
		return err
	}
	took := time.Since(began)
	after, err := side.cpu()
	if err != nil {
		return err
	}
	m.rates = append(m.rates, float64(answered)/took.Seconds())
	m.costs = append(m.costs, (after-before)*1e6/float64(answered))
	return nil
}
