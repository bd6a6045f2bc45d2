package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	// defaultConnections is enough to keep a small server busy and lets many replicas share one.
	defaultConnections = 8
	// defaultConnectTimeout leaves time for a serverless database to wake up.
	defaultConnectTimeout = 10 * time.Second
	// openTimeout bounds reaching the server and migrating, including the wait for another replica that migrates.
	openTimeout = time.Minute
)

func openPostgres(ctx context.Context, databaseURL string) (*postgres, error) {
	config, err := postgresConfig(databaseURL)
	if err != nil {
		return nil, err
	}
	ctx, done := context.WithTimeout(ctx, openTimeout)
	defer done()
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, unavailable(err)
	}
	engine := &postgres{pool: pool}
	if err := migratePostgres(ctx, pool); err != nil {
		pool.Close()
		return nil, fmt.Errorf("database %q: %w", config.ConnConfig.Database, err)
	}
	return engine, nil
}

// postgresConfig reads the URL. It adds no parameter that a pooler would refuse.
func postgresConfig(databaseURL string) (*pgxpool.Config, error) {
	location, err := url.Parse(databaseURL)
	if err != nil {
		// The parser's own words repeat parts of the URL.
		return nil, errors.New("postgres URL is malformed: percent-encode special characters in its user name and password")
	}
	config, err := pgxpool.ParseConfig(databaseURL)
	if err != nil {
		return nil, fmt.Errorf("postgres URL: %s", withoutPassword(err.Error(), location))
	}
	if !location.Query().Has("pool_max_conns") {
		config.MaxConns = max(defaultConnections, config.MinConns)
	}
	if !location.Query().Has("connect_timeout") {
		config.ConnConfig.ConnectTimeout = defaultConnectTimeout
	}
	return config, nil
}

// withoutPassword removes the URL and every form of its password from the text of an error.
func withoutPassword(text string, location *url.URL) string {
	if _, reason, ok := strings.Cut(text, "`: "); ok { // cannot parse `<the URL>`: <reason>
		text = reason
	}
	secrets := location.Query()["password"]
	if password, ok := location.User.Password(); ok {
		secrets = append(secrets, password)
	}
	for _, secret := range secrets {
		for _, form := range []string{secret, url.QueryEscape(secret), url.PathEscape(secret)} {
			if form != "" {
				text = strings.ReplaceAll(text, form, "xxxxx")
			}
		}
	}
	return text
}
