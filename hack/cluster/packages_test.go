package main

import (
	"slices"
	"strings"
	"testing"
)

func TestClosure(t *testing.T) {
	here := parsePackages(strings.Join([]string{
		"installed\tweb\t\t, python3:any (>= 3.11), orm, mail | post",
		"installed\tpython3\tpython3-json (= 3.11)\tdebtool (>= 1), libc6",
		"installed\torm\t\t, python3-json",
		"installed\tpost\tmail-agent\t, web", // a circle
		"installed\tlibc6\t\t",
		"installed\tdebtool\t\tperl, ",
		"installed\tperl\t\t, ",
		"installed\tbroken\t\t, libgone",
		"deinstall\tlibgone\t\t, ",
	}, "\n"))
	for _, test := range []struct {
		wanted, without, want []string
		err                   string
	}{
		{[]string{"orm"}, nil, []string{"debtool", "libc6", "orm", "perl", "python3"}, ""},
		{[]string{"web"}, []string{"debtool"}, []string{"libc6", "orm", "post", "python3", "web"}, ""},
		{[]string{"broken"}, nil, nil, "package broken needs libgone, which is not installed"},
		{[]string{"broken"}, []string{"libgone"}, []string{"broken"}, ""},
	} {
		got, err := here.closure(test.wanted, test.without)
		if test.err == "" && (err != nil || !slices.Equal(got, test.want)) {
			t.Errorf("%v without %v: %v, %v, want %v", test.wanted, test.without, got, err, test.want)
		}
		if test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
			t.Errorf("%v: %v, want %q", test.wanted, err, test.err)
		}
	}
}
