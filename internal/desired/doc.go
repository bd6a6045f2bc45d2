// Package desired computes the objects of a TodoApp: pure functions from the app and its keys to apply configurations.
// It also decides which existing objects are the app's.
package desired
