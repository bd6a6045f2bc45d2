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

func request(address, path string) target {
	return target{address, fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAuthorization: Bearer %s\r\n\r\n", path, address, token())}
}

// load keeps connections busy for a while and returns how long each answer took. With a rate (requests per second over
// all connections) requests are due at fixed moments, and the time an answer took begins when its request was due.
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

// ask is one connection.
func ask(t target, end time.Time, due func(n int) time.Time) ([]time.Duration, error) {
	connection, err := net.Dial("tcp", t.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = connection.Close() }()
	reader := bufio.NewReaderSize(connection, 64<<10)
	var latencies []time.Duration
	for n := 0; ; n++ {
		at := due(n)
		if at.After(end) {
			return latencies, nil
		}
		time.Sleep(time.Until(at))
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

// fill creates the fifty tasks and returns the id of one of them.
func fill(address string) (id int64, err error) {
	for i := range 50 {
		body := fmt.Appendf(nil, `{"title":"Task number %d","description":"Something to do, in a sentence of common length."}`, i)
		request, err := http.NewRequest(http.MethodPost, "http://"+address+"/api/"+owner+"/tasks", bytes.NewReader(body))
		if err != nil {
			return 0, err
		}
		request.Header.Set("Authorization", "Bearer "+token())
		request.Header.Set("Content-Type", "application/json")
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return 0, err
		}
		defer func() { _ = response.Body.Close() }()
		var created row
		if err := json.NewDecoder(response.Body).Decode(&created); err != nil || response.StatusCode != http.StatusCreated {
			return 0, fmt.Errorf("answered %s: %w", response.Status, err)
		}
		id = created.ID
	}
	return id, nil
}
