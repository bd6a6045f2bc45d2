package main

import "runtime/debug"

// version is set by the build. If it is empty, the version of the module is used.
var version string

// described returns the version of the program.
func described() string {
	if info, ok := debug.ReadBuildInfo(); ok && version == "" {
		return info.Main.Version
	}
	return version
}
