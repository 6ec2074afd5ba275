// Package postgrestest gives tests a PostgreSQL: a throw-away server of their own on this machine, where its programs are installed, or
// the one that HUBCAP_TEST_POSTGRES names. Where there is neither, the test is skipped.
package postgrestest

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// Variable names a server to use instead of one of our own: postgres://... of a user who may create databases.
const Variable = "HUBCAP_TEST_POSTGRES"

// shared is the server of the test binary.
var shared struct {
	once   sync.Once
	server *Server
	err    error
}

var errNotInstalled = errors.New("PostgreSQL is not installed here (initdb and postgres), and " + Variable + " names no server")

// Main runs a package's tests and ends the server they shared. A TestMain calls it.
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.remove(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// Database makes an empty database that goes with the test, and answers its address. The clauses go into CREATE DATABASE, such as a
// locale.
func Database(t testing.TB, clauses ...string) string {
	t.Helper()
	admin := os.Getenv(Variable)
	if admin == "" {
		shared.once.Do(func() { shared.server, shared.err = start(nil) })
		if errors.Is(shared.err, errNotInstalled) {
			t.Skip(shared.err)
		}
		if shared.err != nil {
			t.Fatal(shared.err)
		}
		admin = shared.server.Address("postgres")
	}
	return newDatabase(t, admin, clauses)
}

func newDatabase(t testing.TB, admin string, clauses []string) string {
	t.Helper()
	raw := make([]byte, 6)
	if _, err := rand.Read(raw); err != nil {
		t.Fatal(err)
	}
	name := "t" + hex.EncodeToString(raw)
	statement := "CREATE DATABASE " + name + " TEMPLATE template0 ENCODING 'UTF8' " + strings.Join(clauses, " ")
	if err := run(admin, statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	t.Cleanup(func() {
		// The server may have been ended by the test itself.
		_ = run(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)")
	})
	u, err := url.Parse(admin)
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + name
	return u.String()
}

// run executes one statement.
func run(address, statement string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err != nil {
		return err
	}
	_, err = conn.Exec(ctx, statement)
	return errors.Join(err, conn.Close(ctx))
}

// Server is a server of our own.
type Server struct {
	dir  string // everything it has
	bin  string
	port int
	args []string

	process *exec.Cmd
	ended   chan struct{} // closed when the process is gone
	log     *os.File
}

// Start starts a server for one test, with further settings (name=value). Other than the shared one, it writes as durably as in use.
func Start(t testing.TB, settings ...string) *Server {
	t.Helper()
	s, err := start(append([]string{"fsync=on", "synchronous_commit=on"}, settings...))
	if errors.Is(err, errNotInstalled) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.remove(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// Database is that of a server of one's own.
func (s *Server) Database(t testing.TB, clauses ...string) string {
	t.Helper()
	return newDatabase(t, s.Address("postgres"), clauses)
}

// Address is that of a database of the server.
func (s *Server) Address(database string) string {
	return "postgres://hubcap@127.0.0.1:" + strconv.Itoa(s.port) + "/" + database + "?sslmode=disable"
}

// Host is where the server listens.
func (s *Server) Host() string { return "127.0.0.1:" + strconv.Itoa(s.port) }

// programs finds the directory of the server's programs, the newest version there is.
func programs() (string, error) {
	if file, err := exec.LookPath("postgres"); err == nil {
		// Its companions are where it really is.
		file, err = filepath.EvalSymlinks(file)
		return filepath.Dir(file), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/postgres")
	if err != nil || len(found) == 0 {
		return "", errNotInstalled
	}
	version := func(file string) int {
		n, err := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(file))))
		if err != nil {
			return 0
		}
		return n
	}
	return filepath.Dir(slices.MaxFunc(found, func(a, b string) int { return version(a) - version(b) })), nil
}

// attributes makes a command run as a user who may run a server: PostgreSQL refuses root.
func attributes() (*syscall.SysProcAttr, int, error) {
	attr := &syscall.SysProcAttr{Setpgid: true} // a ^C at the tests is not for the server
	if os.Geteuid() != 0 {
		return attr, os.Geteuid(), nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.ParseUint(u.Uid, 10, 32)
		if err != nil {
			return nil, 0, err
		}
		gid, err := strconv.ParseUint(u.Gid, 10, 32)
		if err != nil {
			return nil, 0, err
		}
		attr.Credential = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		return attr, int(uid), nil
	}
	return nil, 0, errors.New("no user to run a server as: neither postgres nor nobody")
}

func start(settings []string) (*Server, error) {
	bin, err := programs()
	if err != nil {
		return nil, err
	}
	attr, uid, err := attributes()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "hubcap-postgres-")
	if err != nil {
		return nil, err
	}
	s := &Server{dir: dir, bin: bin, args: settings}
	if err := os.Chown(dir, uid, -1); err != nil {
		return nil, errors.Join(err, s.remove())
	}
	initdb := exec.Command(filepath.Join(bin, "initdb"), "-D", s.data(), "-U", "hubcap", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync") //nolint:gosec // the server of this machine
	initdb.SysProcAttr, initdb.Dir = attr, dir
	if out, err := initdb.CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("initdb: %w: %s", err, out), s.remove())
	}
	if s.port, err = freePort(); err == nil {
		err = s.Run()
	}
	if err != nil {
		return nil, errors.Join(err, s.remove())
	}
	return s, nil
}

// freePort is one that nobody listens on now.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// Run starts the server and waits until it answers; again, after Kill or Stop.
func (s *Server) Run() error {
	attr, _, err := attributes()
	if err != nil {
		return err
	}
	args := []string{"-D", s.data(), "-p", strconv.Itoa(s.port), "-k", s.dir}
	for _, set := range append([]string{
		"listen_addresses=127.0.0.1", "fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200", "shared_buffers=64MB",
		"autovacuum_naptime=10s", "log_min_messages=warning",
	}, s.args...) {
		args = append(args, "-c", set)
	}
	if s.log, err = os.OpenFile(filepath.Join(s.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	s.process = exec.Command(filepath.Join(s.bin, "postgres"), args...) //nolint:gosec // as above
	s.process.SysProcAttr, s.process.Dir, s.process.Stdout, s.process.Stderr = attr, s.dir, s.log, s.log
	if err := startBound(s.process); err != nil {
		return errors.Join(err, s.log.Close())
	}
	s.ended = make(chan struct{})
	go func(c *exec.Cmd, ended chan struct{}) {
		_ = c.Wait() // how it ended is in its log
		close(ended)
	}(s.process, s.ended)
	return s.awaitReady()
}

func (s *Server) awaitReady() error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for {
		err := run(s.Address("postgres"), "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-s.ended:
			return fmt.Errorf("the server did not start: %s", s.Log())
		case <-deadline:
			return fmt.Errorf("the server does not answer: %w: %s", err, s.Log())
		}
	}
}

// Log is what the server said.
func (s *Server) Log() string {
	text, err := os.ReadFile(filepath.Join(s.dir, "log"))
	if err != nil {
		return err.Error()
	}
	return string(bytes.TrimSpace(text))
}

// Kill ends the server as a crash would: its processes at once, what was committed on disk. Run starts it again, and it recovers.
func (s *Server) Kill() error { return s.signal(syscall.SIGQUIT) }

// Stop ends the server in order, its clients' connections with it.
func (s *Server) Stop() error { return s.signal(syscall.SIGINT) }

func (s *Server) signal(sig syscall.Signal) error {
	select {
	case <-s.ended:
		return nil
	default:
	}
	if err := s.process.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.ended:
	case <-time.After(30 * time.Second):
		return errors.Join(errors.New("the server does not end"), s.process.Process.Kill())
	}
	return s.log.Close()
}

// remove ends the server and deletes everything it has.
func (s *Server) remove() error {
	var err error
	if s.process != nil && s.ended != nil {
		err = s.Kill()
	}
	return errors.Join(err, os.RemoveAll(s.dir))
}

// Size is how many bytes a database takes on disk, indexes included.
func Size(t testing.TB, address string) (bytes int64) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, address)
	if err == nil {
		err = errors.Join(conn.QueryRow(ctx, "SELECT pg_database_size(current_database())").Scan(&bytes), conn.Close(ctx))
	}
	if err != nil {
		t.Fatal(err)
	}
	return bytes
}
