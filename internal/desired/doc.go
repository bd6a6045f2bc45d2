// Package desired says which objects a TodoApp stands for: pure functions from the app and its keys to apply
// configurations.
package desired
