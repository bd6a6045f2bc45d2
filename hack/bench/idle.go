package main

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"time"
)

// reportIdleConnections compares the cost of a request for the API beside open connections that send nothing, with its cost
// without them. Two processes with a database each take turns.
func reportIdleConnections(o options, folder string) (err error) {
	var sides []*process
	defer func() {
		for _, side := range sides {
			err = errors.Join(err, side.stop())
		}
	}()
	var targets []target
	for i := range 2 {
		own := o
		own.database = "sqlite://" + filepath.Join(folder, fmt.Sprintf("idle-%d.db", i))
		side, err := startAPI(own)
		if err != nil {
			return err
		}
		sides = append(sides, side)
		if _, err := side.fill(50, "Something to do, in a sentence of common length."); err != nil {
			return fmt.Errorf("creating tasks: %w", err)
		}
		targets = append(targets, side.request(side.tasks))
	}
	crowd, err := openIdle(sides[1].address, o.idle)
	defer func() {
		for _, connection := range crowd {
			_ = connection.Close()
		}
	}()
	if err != nil {
		return err
	}
	results := make([]measured, 2)
	for range min(o.rounds, int(50*time.Second/(2*o.round))) { // idle connections are closed after a minute
		for i, side := range sides {
			if err := results[i].turn(o, side, targets[i]); err != nil {
				return err
			}
		}
	}
	alone, crowded := median(results[0].costs), median(results[1].costs)
	_, peak, err := sides[1].resident()
	fmt.Printf("list of 50 beside %d idle connections: CPU for a request %.1f µs, without them %.1f µs, ratio %.2f; "+
		"resident memory, peak: %.1f MiB\n", len(crowd), crowded, alone, crowded/alone, peak)
	return err
}

// openIdle opens connections that send one request without a token and stay open.
func openIdle(address string, count int) (open []net.Conn, err error) {
	for range count {
		connection, err := net.Dial("tcp", address)
		if err != nil {
			return open, fmt.Errorf("opening connection %d: %w", len(open)+1, err)
		}
		open = append(open, connection)
		if _, err := fmt.Fprintf(connection, "GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n", address); err != nil {
			return open, fmt.Errorf("asking on connection %d: %w", len(open), err)
		}
		response, err := http.ReadResponse(bufio.NewReader(connection), nil)
		if err != nil {
			return open, fmt.Errorf("reading from connection %d: %w", len(open), err)
		}
		_ = response.Body.Close()
	}
	return open, nil
}
