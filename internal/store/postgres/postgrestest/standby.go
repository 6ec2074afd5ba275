package postgrestest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// StandbyName is what a standby calls itself where it asks for changes: synchronous_standby_names of its primary.
const StandbyName = "hubcap_standby"

// Standby starts a server that follows this one. It is removed with the test.
func (s *Server) Standby(t testing.TB) *Server {
	t.Helper()
	standby, err := s.follow()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := standby.remove(); err != nil {
			t.Error(err)
		}
	})
	return standby
}

func (s *Server) follow() (*Server, error) {
	attr, uid, err := attributes()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hubcap-postgres-")
	if err != nil {
		return nil, err
	}
	out := &Server{dir: dir, bin: s.bin, args: s.args}
	if err := os.Chown(dir, uid, -1); err != nil {
		return nil, errors.Join(err, out.remove())
	}
	primary := strings.Replace(s.Address("postgres"), "?", "?application_name="+StandbyName+"&", 1)
	basebackup := exec.Command(filepath.Join(s.bin, "pg_basebackup"), "-D", out.data(), "-d", primary, "-R", "-X", "stream", "-c", "fast", "--no-sync") //nolint:gosec // of this machine
	basebackup.SysProcAttr, basebackup.Dir = attr, dir
	if text, err := basebackup.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("pg_basebackup: %w: %s", err, text), out.remove())
	}
	if out.port, err = freePort(); err == nil {
		err = out.Run()
	}
	if err != nil {
		return nil, errors.Join(err, out.remove())
	}
	return out, nil
}

// Promote makes a standby a primary, and waits until it takes changes.
func (s *Server) Promote(t testing.TB) {
	t.Helper()
	if err := run(s.Address("postgres"), "SELECT pg_promote(true, 60)"); err != nil {
		t.Fatal(err)
	}
}

// Set changes a setting of a running server.
func (s *Server) Set(t testing.TB, setting, value string) {
	t.Helper()
	for _, statement := range []string{"ALTER SYSTEM SET " + setting + " = '" + value + "'", "SELECT pg_reload_conf()"} {
		if err := run(s.Address("postgres"), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

// AwaitRow waits until a query of a server answers true.
func (s *Server) AwaitRow(t testing.TB, query string) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		err := run(s.Address("postgres"), "DO $$ BEGIN IF NOT ("+query+") THEN RAISE 'not yet'; END IF; END $$")
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: %v", query, err)
		}
	}
}
