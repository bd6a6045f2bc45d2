// Package keyring decides how the keys of one TodoApp change over time. It holds the keys and their states, the pure transition
// to the next state, and the encodings in which frontends and backends read them.
package keyring
