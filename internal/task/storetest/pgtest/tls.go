package pgtest

import (
	"fmt"
	"os"
	"path/filepath"
)

// ServeTLS restarts the server with a certificate and its key, in PEM. Connections without TLS are still accepted.
func (s *Server) ServeTLS(certificate, key []byte) error {
	for name, content := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		path := filepath.Join(s.data(), name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return fmt.Errorf("writing the certificate: %w", err)
		}
		if owner := servant(); owner != nil {
			if err := os.Chown(path, int(owner.Uid), int(owner.Gid)); err != nil {
				return fmt.Errorf("handing over the certificate: %w", err)
			}
		}
	}
	settings, err := os.OpenFile(filepath.Join(s.data(), "postgresql.auto.conf"), os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the settings: %w", err)
	}
	if _, err := settings.WriteString("ssl = on\n"); err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	if err := settings.Close(); err != nil {
		return fmt.Errorf("writing the settings: %w", err)
	}
	s.daemon.Stop()
	return s.Restart()
}
