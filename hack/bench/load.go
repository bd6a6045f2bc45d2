package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// target is an address and the bytes of the request that is sent there again and again.
type target struct {
	address string
	bytes   []byte
}

func (p *process) request(path string) target {
	return target{p.address, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n",
		path, p.address, token())}
}

// load keeps connections busy for a while and returns how long each answer took. With a rate (requests per second over
// all connections) requests are due at fixed times, independent of earlier requests, and the time of an answer begins when
// its request was due: waiting behind a slow answer counts. If the connection was free, the time begins when the request is
// sent, so that a timer which wakes up to a millisecond late does not count.
func load(t target, connections int, duration time.Duration, rate float64) ([]time.Duration, error) {
	results := make([][]time.Duration, connections)
	failures := make([]error, connections)
	var clients sync.WaitGroup
	begin := time.Now()
	for i := range connections {
		clients.Go(func() {
			due := func(int) time.Time { return time.Now() }
			if rate > 0 {
				interval := time.Duration(float64(connections) / rate * float64(time.Second))
				first := begin.Add(interval * time.Duration(i) / time.Duration(connections))
				due = func(n int) time.Time { return first.Add(interval * time.Duration(n)) }
			}
			results[i], failures[i] = ask(t, begin.Add(duration), due)
		})
	}
	clients.Wait()
	var latencies []time.Duration
	for _, each := range results {
		latencies = append(latencies, each...)
	}
	return latencies, errors.Join(failures...)
}

// ask sends requests on one connection until the end, and returns the latencies.
func ask(t target, end time.Time, due func(n int) time.Time) ([]time.Duration, error) {
	connection, err := net.Dial("tcp", t.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	reader := bufio.NewReaderSize(connection, 64<<10)
	var latencies []time.Duration
	pace := time.NewTimer(0)
	defer pace.Stop()
	for n := 0; ; n++ {
		at := due(n)
		if at.After(end) {
			return latencies, nil
		}
		if early := time.Until(at); early > 0 {
			pace.Reset(early)
			<-pace.C
			at = time.Now()
		}
		if _, err := connection.Write(t.bytes); err != nil {
			return nil, err
		}
		if err := skipAnswer(reader); err != nil {
			return nil, err
		}
		latencies = append(latencies, time.Since(at))
	}
}

func skipAnswer(reader *bufio.Reader) error {
	response, err := http.ReadResponse(reader, nil)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("answered %s", response.Status)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// fill creates tasks and returns the id of one of them. The floor reads the tasks that the API created.
func (p *process) fill(count int, description string) (id int64, err error) {
	if p.tasks == floorTasks {
		var rows []row
		if err := p.ask(http.MethodGet, nil, &rows); err != nil || len(rows) == 0 {
			return 0, fmt.Errorf("%s shows %d tasks: %w", p.name, len(rows), err)
		}
		return rows[0].ID, nil
	}
	for i := range count {
		body, err := json.Marshal(map[string]string{"title": fmt.Sprintf("Task number %d", i), "description": description})
		if err != nil {
			return 0, err
		}
		var created struct{ ID int64 }
		if err := p.ask(http.MethodPost, bytes.NewReader(body), &created); err != nil {
			return 0, err
		}
		id = created.ID
	}
	return id, nil
}

func (p *process) ask(method string, body io.Reader, into any) error {
	request, err := http.NewRequest(method, "http://"+p.address+p.tasks, body)
	if err != nil {
		return err
	}
	request.Header = http.Header{"Authorization": {"Bearer " + token()}, "Content-Type": {"application/json"}}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode/100 != 2 {
		return fmt.Errorf("%s answered %s", p.name, response.Status)
	}
	return json.NewDecoder(response.Body).Decode(into)
}
