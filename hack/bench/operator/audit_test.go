package main

import (
	"strings"
	"testing"
)

const auditLines = `{"user":{"username":"operator"},"verb":"create","objectRef":{"resource":"secrets","namespace":"a","name":"x"}}
{"user":{"username":"operator"},"verb":"watch","objectRef":{"resource":"secrets"}}
{"user":{"username":"kubelet"},"verb":"get","objectRef":{"resource":"secrets"}}
{"user":{"username":"operator"},"verb":"get","objectRef":{"resource":"secrets","namespace":"a","name":"x"}}
{"user":{"username":"operator"},"verb":"patch","objectRef":{"resource":"todoapps","subresource":"status"}}
{"user":{"username":"operator"},"verb":"patch","objectRef":{"resource":"todoapps","subresource":"status"}}
{"user":{"username":"operator"},"verb":"patch","objectRef":{"reso`

func TestAuditCountsTheRequestsOfOneUser(t *testing.T) {
	requests, err := parseAudit(strings.NewReader(auditLines), userOperator)
	if err != nil {
		t.Fatal(err)
	}
	want := "1.00 patch todoapps/status, 0.50 create secrets, 0.50 get secrets"
	if got := counts(requests, 2); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := written(requests); got != 3 {
		t.Errorf("got %d writes, want 3", got)
	}
}

func TestAnUnreadableAuditLogIsAnError(t *testing.T) {
	if _, err := parseAudit(strings.NewReader("no JSON\n"), userOperator); err == nil {
		t.Error("a line that is no JSON was skipped")
	}
}
