package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a key pair that is read again when one of its files changes. Whether they did is looked at with each handshake: two
// calls of stat beside the cost of a handshake, and no watcher that could miss a rename or a mounted secret's swap.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	seen    [2]fileStamp // of the last attempt to read, successful or not
}

type fileStamp struct {
	modified time.Time
	size     int64
}

// reloadingTLS is a TLS configuration whose certificate follows its files. A pair that cannot be read at the start is an error; later
// the last good one stays in use and the log says so, once a change.
func reloadingTLS(certFile, keyFile string, log *slog.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	if err := c.refresh(); err != nil {
		return nil, fmt.Errorf("--tls-cert, --tls-key: %w", err)
	}
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if err := c.refresh(); err != nil {
				c.log.Error("the changed certificate cannot be used, the last one stays", slog.Any("error", err))
			}
			return c.current, nil
		},
	}, nil
}

// refresh reads the pair when a file changed since the last attempt.
func (c *certificate) refresh() error {
	var now [2]fileStamp
	for i, name := range [...]string{c.certFile, c.keyFile} {
		info, err := os.Stat(name)
		if err != nil {
			if c.seen[i] == (fileStamp{}) && c.current != nil {
				return nil // said already
			}
			c.seen[i] = fileStamp{}
			return err
		}
		now[i] = fileStamp{info.ModTime(), info.Size()}
	}
	if now == c.seen {
		return nil
	}
	c.seen = now
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current = &pair
	return nil
}
