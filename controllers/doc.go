// Package controllers drives each TodoApp towards what its spec and its keys say: observe, decide, apply, report.
package controllers
