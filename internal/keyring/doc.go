// Package keyring is the shared secret of one TodoApp over time: its keys, their states, the pure step from one state
// to the next, and the encodings in which frontends and backends read it.
package keyring
