// Package e2e holds hubcap's binary against the official AWS SDK for Go: one file an operation, every operation that is built and
// every one that is refused; then what no SDK sends: real findings of many producers, broken requests, a killed server. It is a
// module of its own, so that the SDK's securityhub package never enters the binary.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/securityhub"
	"github.com/aws/smithy-go"
	"github.com/stretchr/testify/require"
)

// binary is the hubcap under test: HUBCAP_BIN, else built from the sources beside this module.
var binary string

// providers is the folder of Terraform's providers: HUBCAP_TERRAFORM_PROVIDERS; "" for none.
var providers string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	providers = os.Getenv("HUBCAP_TERRAFORM_PROVIDERS")
	// Nothing of this machine's AWS set-up may steer a test or receive a finding.
	for _, kv := range os.Environ() {
		if name, _, _ := strings.Cut(kv, "="); strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "HUBCAP_") && name != "HUBCAP_BIN" {
			_ = os.Unsetenv(name)
		}
	}
	if binary = os.Getenv("HUBCAP_BIN"); binary != "" {
		_ = os.Unsetenv("HUBCAP_BIN")
		absolute, err := filepath.Abs(binary)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		binary = absolute
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "hubcap-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "hubcap")
	build := exec.Command("go", "build", "-o", binary, "./cmd/hubcap")
	build.Dir = ".."
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building hubcap: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// command is the binary, to be started.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = ".."
	return cmd
}

// patience bounds every wait for the server.
const patience = 30 * time.Second

// server is a running `hubcap serve`.
type server struct {
	URL    string
	cmd    *exec.Cmd
	ended  chan struct{}
	mu     sync.Mutex
	output bytes.Buffer
}

// Write collects what the server says.
func (s *server) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.Write(p)
}

// said is what the server printed so far, log and all.
func (s *server) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.output.String()
}

// kill is kill -9: nothing is finished, nothing flushed.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	<-s.ended
}

// stop asks the server to end and waits for it.
func (s *server) stop(t *testing.T) {
	t.Helper()
	require.NoError(t, s.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case <-s.ended:
	case <-time.After(patience):
		s.kill()
		t.Fatal("the server does not end")
	}
	require.Zero(t, s.cmd.ProcessState.ExitCode(), s.said())
}

var greeting = regexp.MustCompile(`hubcap serves (https?://\S+)`)

// serve starts a hub on a port of its own, in memory unless the arguments say otherwise, and ends it with the test.
func serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := &server{ended: make(chan struct{})}
	s.cmd = exec.Command(binary, append([]string{"serve", "--addr", "127.0.0.1:0", "--store", "memory"}, args...)...)
	s.cmd.Dir = ".."
	s.cmd.Stderr = s
	stdout, err := s.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, s.cmd.Start())
	greeted := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(stdout)
		for lines.Scan() {
			fmt.Fprintln(s, lines.Text())
			if m := greeting.FindStringSubmatch(lines.Text()); m != nil {
				greeted <- m[1]
			}
		}
		_ = s.cmd.Wait()
		close(s.ended)
	}()
	t.Cleanup(func() {
		select {
		case <-s.ended:
		default:
			s.kill()
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", s.said())
		}
	})
	select {
	case s.URL = <-greeted:
	case <-s.ended:
		t.Fatalf("the server did not start: %s", s.said())
	case <-time.After(patience):
		t.Fatalf("the server does not greet: %s", s.said())
	}
	return s
}

// The accounts of the tests. Under --auth none an access key id of 12 digits is the account.
const (
	mine     = "111122223333"
	other    = "444455556666"
	region   = "us-east-1"
	operator = "AKIAOPERATOR"
)

// as is the SDK's client of an account. It does not retry: what is refused is to be seen.
func (s *server) as(key string) *securityhub.Client {
	return s.signed(key, "any", region)
}

func (s *server) signed(key, secret, region string) *securityhub.Client {
	return securityhub.New(securityhub.Options{
		BaseEndpoint: aws.String(s.URL),
		Region:       region,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: key, SecretAccessKey: secret}, nil
		}),
		RetryMaxAttempts: 1,
		HTTPClient:       ownBodies{http.DefaultClient},
	})
}

// hubcap runs the command line to its end.
func hubcap(t *testing.T, stdin io.Reader, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Dir = ".."
	cmd.Env = append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true", "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
	cmd.Stdin = stdin
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && (!ok || exit.ExitCode() < 0) {
		t.Fatalf("hubcap %v: %v\n%s", args, err, errs.String())
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

// requireRefused holds an error against "Code: message".
func requireRefused(t *testing.T, err error, want string) {
	t.Helper()
	var api smithy.APIError
	require.ErrorAs(t, err, &api)
	require.Equal(t, want, api.ErrorCode()+": "+api.ErrorMessage())
}
