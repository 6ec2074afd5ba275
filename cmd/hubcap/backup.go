package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"hubcap/internal/store/embedded"
)

// backupCmd is `hubcap backup`.
type backupCmd struct {
	Dir      string `arg:"" help:"Directory for the backup; nothing may be in it."`
	Endpoint string `default:"http://127.0.0.1:4510" env:"HUBCAP_ENDPOINT,AWS_ENDPOINT_URL_SECURITYHUB" placeholder:"URL" help:"The hub that serves (${default})."`
	From     string `placeholder:"DIR" help:"Back up this directory of a hub that is not running, in place of asking one."`
}

// Run makes the backup. What a hub sends is checked on its way, so a directory is either whole or empty again.
func (c *backupCmd) Run(ctx context.Context, std *streams) error {
	var err error
	if c.From != "" {
		err = embedded.BackupDirectory(ctx, c.From, c.Dir, embedded.Options{})
	} else {
		err = c.fetch(ctx)
	}
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	size, err := sizeOf(c.Dir)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(std.Out, "backup in %s: %d MB, every file checked; hubcap restore %s DIR makes a store of it\n",
		printable(c.Dir), size>>20, printable(c.Dir))
	return err
}

// fetch asks a hub.
func (c *backupCmd) fetch(ctx context.Context) error {
	w, err := openWallet(ctx)
	if err != nil {
		return err
	}
	s, err := newSender(c.Endpoint, 0, nil)
	if err != nil {
		return err
	}
	// Who has no credentials is the operator of a hub under --auth none.
	resp, err := s.get(ctx, w.caller(groupKey{Region: fallbackRegion}), "/hubcap/v1/backup")
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read from
	counted := &counter{r: resp.Body}
	if err := embedded.UnpackBackup(counted, c.Dir, embedded.Options{}); err != nil {
		return err
	}
	// What follows the backup's own end is nothing, and the trailer says so.
	if _, err := io.Copy(io.Discard, counted); err != nil {
		return err
	}
	if said := resp.Trailer.Get("X-Hubcap-Length"); said != strconv.FormatInt(counted.n, 10) {
		return fmt.Errorf("%s said it sent %q bytes, and %d came", c.Endpoint, said, counted.n)
	}
	return nil
}

// counter counts what is read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// get sends a signed GET whose answer may take any time to read. The error is *refusal where the hub answered something else than 200.
func (s *sender) get(ctx context.Context, from caller, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.endpoint+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "hubcap")
	keys, err := from.Credentials.Retrieve(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.signer.SignHTTP(ctx, keys, req, payloadHash(nil), signingName, from.Region, time.Now()); err != nil {
		return nil, err
	}
	patient := *s.client
	patient.Timeout = 0
	resp, err := patient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		text, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			return nil, err
		}
		return nil, readRefusal(resp, text)
	}
	return resp, nil
}

func sizeOf(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	return size, err
}
