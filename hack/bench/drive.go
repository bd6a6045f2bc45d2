package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// drive sends requests on connections, each as fast as it is answered, until the time is up or no request is left. It
// returns the number of answers. It reads answers with as little work as it can, because it takes time from the server.
func drive(address string, connections int, duration time.Duration, next requests, seen func(body []byte) error) (int, error) {
	counts, failures := make([]int, connections), make([]error, connections)
	end := time.Now().Add(duration)
	var clients sync.WaitGroup
	for i := range connections {
		clients.Go(func() {
			counts[i], failures[i] = driveOne(address, end, func(n int) []byte { return next(i, n) }, seen)
		})
	}
	clients.Wait()
	total := 0
	for _, count := range counts {
		total += count
	}
	return total, errors.Join(failures...)
}

func driveOne(address string, end time.Time, next func(n int) []byte, seen func(body []byte) error) (count int, err error) {
	connection, err := net.Dial("tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, connection.Close()) }()
	reader, body := bufio.NewReader(connection), make([]byte, 0, 4<<10)
	for ; time.Now().Before(end); count++ {
		request := next(count)
		if request == nil {
			break
		}
		if _, err := connection.Write(request); err != nil {
			return count, err
		}
		if body, err = readAnswer(reader, body); err != nil {
			return count, err
		}
		if err := seen(body); err != nil {
			return count, err
		}
	}
	return count, nil
}

// readAnswer reads an answer that has a Content-Length, and returns its body in the buffer.
func readAnswer(reader *bufio.Reader, buffer []byte) ([]byte, error) {
	size, failed := -1, ""
	for first := true; ; first = false {
		line, err := reader.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("reading header: %w", err)
		}
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			break
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 2")) {
			failed = string(line)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if size, err = strconv.Atoi(string(value)); err != nil {
				return nil, fmt.Errorf("reading length: %w", err)
			}
		}
	}
	if size < 0 || failed != "" {
		return nil, fmt.Errorf("answered %q with %d bytes", failed, size)
	}
	buffer = append(buffer[:0], make([]byte, size)...)
	_, err := io.ReadFull(reader, buffer)
	return buffer, err
}

// idIn returns the ID of the task in an answer.
func idIn(body []byte) (int64, error) {
	_, rest, _ := bytes.Cut(body, []byte(`"id":`))
	digits, _, _ := bytes.Cut(rest, []byte(","))
	return strconv.ParseInt(string(digits), 10, 64)
}
