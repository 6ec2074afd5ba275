package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"hubcap/internal/asff"
)

// importCmd is `hubcap import`.
type importCmd struct {
	Files    []string      `arg:"" name:"file" help:"Findings: a list, an object with Findings, one finding, or any number of these after one another (NDJSON); - is the standard input."`
	Endpoint string        `default:"http://127.0.0.1:4510" env:"HUBCAP_ENDPOINT,AWS_ENDPOINT_URL_SECURITYHUB" placeholder:"URL" help:"The hub (${default})."`
	RetryFor time.Duration `default:"1m" placeholder:"DURATION" help:"How long a request is tried again after a lost connection, 429 or 5xx (${default}); 0: never."`
}

// Help is what `hubcap import --help` says besides.
func (*importCmd) Help() string {
	return `Findings are sent in batches of at most 100 findings and 5.5 MB. Credentials and region are found as the AWS CLI finds them;
where there are none, each finding goes in as its own account and region. Every finding the hub does not take is printed with its
reason. A file without findings is told too. The exit code is 0 when all were taken, else 1; 1 also for an empty file, for a
scanner that found nothing writes [].`
}

// Run imports the files one after the other.
func (c *importCmd) Run(ctx context.Context, std *streams) error {
	bar := newProgress(std.Err, c.Files)
	send, err := newSender(c.Endpoint, c.RetryFor, func(err error, in time.Duration) {
		bar.clear()
		_, _ = fmt.Fprintf(std.Err, "hubcap: %s; trying again in %s\n", printable(err.Error()), in.Round(100*time.Millisecond))
	})
	if err != nil {
		return err
	}
	from, err := openWallet(ctx)
	if err != nil {
		return err
	}
	im := &importer{from: from, send: send, std: std, bar: bar, start: time.Now()}
	im.batches.send = func(b *batch) error { return im.deliver(ctx, b) }
	err = im.files(ctx, c.Files)
	bar.finish()
	if serr := im.summary(); serr != nil {
		return serr
	}
	if err != nil {
		return err
	}
	if im.refused > 0 || im.broken > 0 {
		return exitCode(1)
	}
	return nil
}

// importer carries findings from files to a hub and counts what becomes of them.
type importer struct {
	from    *wallet
	send    *sender
	std     *streams
	bar     *progress
	batches batcher
	start   time.Time

	read, taken, refused int // findings
	rejected             int // findings of a request that the hub refused for what is not in them
	broken               int // files that could not be read to their end, or hold nothing
}

// files imports each file. What cannot be read is told and counted, and the next one is read; an error is one that would hit
// every file.
func (im *importer) files(ctx context.Context, names []string) error {
	for _, name := range names {
		r, shown, err := openInput(name, im.std.In)
		if err == nil {
			err = im.file(ctx, shown, im.bar.reader(r))
			_ = r.Close() // only read from
		}
		switch fatal, ok := errors.AsType[*fatalError](err); {
		case ok:
			return fatal.error
		case err != nil:
			if !harmless(err) {
				im.broken++
			}
			im.bar.clear()
			complain(im.std.Err, err)
		}
	}
	return unfatal(im.batches.finish())
}

// fatalError ends the whole import; any other ends only its file.
type fatalError struct{ error }

func (e *fatalError) Unwrap() error { return e.error }

func unfatal(err error) error {
	if fatal, ok := errors.AsType[*fatalError](err); ok {
		return fatal.error
	}
	return err
}

func (im *importer) file(ctx context.Context, name string, r io.Reader) error {
	findings := newFindingReader(name, r)
	for {
		if ctx.Err() != nil {
			return &fatalError{context.Cause(ctx)}
		}
		f, err := findings.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		im.read++
		item := batchItem{label: readLabel(f.Raw), file: name, place: f.place}
		if len(f.Raw) > asff.MaxFindingBytes {
			// Refused everywhere; it need not travel.
			im.refuse(item, "FindingSizeExceeded", "Finding size exceeded 240 KB")
			continue
		}
		if err := im.batches.add(im.from.group(item.label), f.Raw, item); err != nil {
			return err
		}
	}
}

// deliver sends a batch. When the hub refuses it whole for what one finding holds, the batch is halved until that finding
// stands alone, so that its neighbours go in.
func (im *importer) deliver(ctx context.Context, b *batch) error {
	answer, err := im.send.importBatch(ctx, im.from.caller(b.key), b.request())
	r, refused := errors.AsType[*refusal](err)
	switch {
	case err == nil:
		im.taken += answer.SuccessCount
		im.bar.findings(im.taken)
		im.failures(b, answer.FailedFindings)
		return nil
	case refused && (r.ofContent() || r.Code == "InvalidAccessException"):
		if first, second, ok := b.split(r); ok {
			if err := im.deliver(ctx, first); err != nil {
				return err
			}
			return im.deliver(ctx, second)
		}
		for _, it := range b.items {
			im.refuse(it, r.Code, r.Message)
		}
		return nil
	}
	if refused {
		im.rejected += len(b.items)
		if r.ofKey() {
			err = fmt.Errorf("%w (%s)", err, im.from.explain(ctx, b.key))
		}
	}
	return &fatalError{err}
}

// failures tells each failed finding of an answer. An answer names findings by Id only; of two with one Id the earlier one is
// named first, as the hub takes them in order.
func (im *importer) failures(b *batch, failed []failedFinding) {
	told := make([]bool, len(b.items))
	for _, f := range failed {
		item := batchItem{label: label{ID: f.ID}}
		for i := range b.items {
			if !told[i] && b.items[i].ID == f.ID {
				told[i], item = true, b.items[i]
				break
			}
		}
		im.refuse(item, f.ErrorCode, f.ErrorMessage)
	}
}

// refuse tells one finding the hub did not take.
func (im *importer) refuse(item batchItem, code, message string) {
	im.refused++
	im.bar.clear()
	where := ""
	if item.file != "" {
		where = fmt.Sprintf("%s:%d:%d: ", item.file, item.Line, item.Column)
	}
	// Where this cannot be written, the summary cannot either, and says so.
	_, _ = fmt.Fprintln(im.std.Out, printable(fmt.Sprintf("%s%s: %s: %s", where, firstOf(item.ID, "(no Id)"), code, message)))
}

// summary is the last line.
func (im *importer) summary() error {
	took := time.Since(im.start)
	unsent := ""
	if im.rejected > 0 {
		unsent = fmt.Sprintf(", %d refused", im.rejected)
	}
	if n := im.read - im.taken - im.refused - im.rejected; n > 0 {
		unsent += fmt.Sprintf(", %d not sent", n)
	}
	_, err := fmt.Fprintf(im.std.Out, "%s read: %d imported, %d failed%s, in %s (%.0f a second)\n",
		count(im.read, "finding"), im.taken, im.refused, unsent, took.Round(time.Millisecond), float64(im.read)/max(took.Seconds(), 1e-3))
	return err
}

// count is "1 finding", "2 findings".
func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// openInput opens a file, or the standard input for "-".
func openInput(name string, stdin io.Reader) (r io.ReadCloser, shown string, err error) {
	if name == "-" {
		return io.NopCloser(stdin), "stdin", nil
	}
	f, err := os.Open(name) //nolint:gosec // the file its user names
	if err != nil {
		return nil, name, err
	}
	if info, err := f.Stat(); err == nil && info.IsDir() {
		_ = f.Close() // nothing was read
		return nil, name, fmt.Errorf("%s is a directory", name)
	}
	return f, name, nil
}

// progress is a bar on a terminal, and nothing elsewhere: the zero progress is silent.
type progress struct {
	bar    *progressbar.ProgressBar
	counts bool // findings, not bytes
}

// newProgress measures the files: the bar shows bytes when all sizes are known, else it only turns.
func newProgress(w io.Writer, names []string) *progress {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return &progress{}
	}
	var total int64
	for _, name := range names {
		info, err := os.Stat(name)
		if err != nil || !info.Mode().IsRegular() {
			total = -1
			break
		}
		total += info.Size()
	}
	return &progress{bar: progressbar.NewOptions64(total, progressbar.OptionSetWriter(w), progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish(), progressbar.OptionFullWidth())}
}

func (p *progress) reader(r io.Reader) io.Reader {
	if p.bar == nil {
		return r
	}
	return io.TeeReader(r, p.bar)
}

func (p *progress) findings(n int) {
	if p.bar == nil {
		return
	}
	p.bar.Describe(count(n, "finding"))
	if p.counts {
		_ = p.bar.Set(min(n, p.bar.GetMax())) // a bar that cannot be drawn stops nothing
	}
}

// clear makes room for a line of text.
func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Clear() // a bar that cannot be drawn stops nothing
	}
}

func (p *progress) finish() {
	if p.bar != nil {
		_ = p.bar.Finish()
	}
}
