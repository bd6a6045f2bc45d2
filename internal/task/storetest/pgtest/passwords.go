package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
)

// RequirePasswords restarts the server so that it checks the passwords of all users but postgres, who needs none.
func (s *Server) RequirePasswords() error {
	const rules = "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n"
	// The file exists, so it keeps its owner.
	if err := os.WriteFile(filepath.Join(s.data(), "pg_hba.conf"), []byte(rules), 0o600); err != nil {
		return fmt.Errorf("writing the rules of access: %w", err)
	}
	s.daemon.Stop()
	return s.Restart()
}
