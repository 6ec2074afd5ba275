package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/term"
)

// exportCmd is `hubcap export`.
type exportCmd struct {
	Where   string   `short:"w" placeholder:"CONDITION" help:"Which findings, as for hubcap findings (all)."`
	Format  string   `default:"ndjson" enum:"ndjson,csv,parquet" help:"ndjson, csv or parquet (${default})."`
	Columns []string `placeholder:"PATH" help:"Columns of csv and parquet, as Id,Severity.Label,Resources.Id; Finding is the whole one."`
	Output  string   `short:"o" default:"-" placeholder:"FILE" help:"Where to; - is the standard output (${default})."`
	hubFlags
}

// Help is what `hubcap export --help` says besides.
func (*exportCmd) Help() string {
	return `ndjson is one finding a line, as stored; hubcap import reads it back. In csv, a cell that a spreadsheet would take for a
formula (it begins with = + - @ tab or a carriage return) has an apostrophe before it. Of lists, what the elements have is
joined by "; ". A file appears when it is whole; on the standard output the exit code tells. ` + asking
}

// Run exports. Everything the hub sends is there, or the exit code is 1 and no file is.
func (c *exportCmd) Run(ctx context.Context, std *streams) (err error) {
	if err := whereFlag(c.Where, std); err != nil {
		return err
	}
	if c.Format == "ndjson" && len(c.Columns) > 0 {
		return errors.New("--columns is for csv and parquet: ndjson is whole findings")
	}
	cells, err := newColumnReader(c.Columns)
	if err != nil {
		return err
	}
	hub, err := c.client(ctx, std)
	if err != nil {
		return err
	}
	from, err := hub.stream(ctx, http.MethodPost, "/hubcap/v1/findings/export", map[string]any{"Where": c.Where})
	if err != nil {
		return err
	}
	defer from.Close() //nolint:errcheck // only read from
	out, err := openOutput(c.Output, std.Out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.discard()) }()
	began := time.Now()
	n, err := c.write(out, from, cells, out.terminal)
	if err != nil {
		return err
	}
	if err := out.keep(); err != nil {
		return err
	}
	if c.Output == "-" {
		return nil
	}
	took := time.Since(began)
	_, err = fmt.Fprintf(std.Err, "%s in %s, in %s (%.0f a second)\n", count(n, "finding"), printable(c.Output), took.Round(time.Millisecond),
		float64(n)/max(took.Seconds(), 1e-3))
	return err
}

// write turns the stream into the format and counts findings.
func (c *exportCmd) write(to io.Writer, from io.Reader, cells *columnReader, terminal bool) (int, error) {
	switch c.Format {
	case "csv":
		return writeCSV(to, from, cells, terminal)
	case "parquet":
		if terminal {
			return 0, errors.New("parquet is nothing for a terminal: name a file with --output")
		}
		return writeParquet(to, from, cells)
	default:
		return writeLines(to, from, terminal)
	}
}

// outputFile is a file that appears when it is whole, or the standard output.
type outputFile struct {
	io.Writer
	file     *os.File // nil: the standard output
	name     string
	terminal bool
}

func openOutput(name string, stdout io.Writer) (*outputFile, error) {
	if name == "-" {
		f, ok := stdout.(*os.File)
		return &outputFile{Writer: stdout, terminal: ok && term.IsTerminal(int(f.Fd()))}, nil
	}
	if info, err := os.Stat(name); err == nil && !info.Mode().IsRegular() { // a pipe, /dev/null: nothing to rename
		f, err := os.OpenFile(name, os.O_WRONLY, 0) //nolint:gosec // the file its user names
		if err != nil {
			return nil, err
		}
		return &outputFile{Writer: f, file: f, terminal: term.IsTerminal(int(f.Fd()))}, nil
	}
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return nil, err
	}
	return &outputFile{Writer: f, file: f, name: name}, nil
}

// keep gives the whole file its name.
func (o *outputFile) keep() error {
	f := o.file
	if f == nil {
		return nil
	}
	o.file = nil
	if o.name == "" {
		return f.Close()
	}
	err := f.Chmod(0o600) // findings are nobody else's business
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), o.name)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// discard takes away what is not whole; after keep there is nothing.
func (o *outputFile) discard() error {
	f := o.file
	if f == nil {
		return nil
	}
	o.file = nil
	err := f.Close()
	if o.name != "" {
		err = errors.Join(err, os.Remove(f.Name()))
	}
	return err
}

// longestLine bounds a finding: it is stored with at most 240 KB and what the service adds.
const longestLine = 4 << 20

// eachLine calls use with every line.
func eachLine(from io.Reader, use func([]byte) error) (n int, err error) {
	s := bufio.NewScanner(from)
	s.Buffer(make([]byte, 256<<10), longestLine)
	for s.Scan() {
		if err := use(s.Bytes()); err != nil {
			return n, err
		}
		n++
	}
	return n, s.Err()
}

// writeLines copies the lines as they come; for a terminal they are made safe, by JSON's own escapes.
func writeLines(to io.Writer, from io.Reader, terminal bool) (int, error) {
	if terminal {
		return eachLine(from, func(line []byte) error {
			_, err := fmt.Fprintln(to, printable(string(line)))
			return err
		})
	}
	n, buf := 0, make([]byte, 256<<10)
	for {
		m, err := from.Read(buf)
		n += bytes.Count(buf[:m], []byte("\n"))
		if _, err := to.Write(buf[:m]); err != nil {
			return n, err
		}
		if errors.Is(err, io.EOF) {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// writeCSV writes a row a finding. For a terminal the cells are made safe, as those of a table are.
func writeCSV(to io.Writer, from io.Reader, cells *columnReader, terminal bool) (int, error) {
	shown := harmlessCell
	if terminal {
		shown = func(text string) string { return printable(harmlessCell(text)) }
	}
	w := csv.NewWriter(to)
	row := make([]string, len(cells.paths))
	for i, path := range cells.paths {
		row[i] = shown(path)
	}
	if err := w.Write(row); err != nil {
		return 0, err
	}
	n, err := eachLine(from, func(line []byte) error {
		values, err := cells.row(line)
		if err != nil {
			return err
		}
		for i := range values {
			row[i] = shown(string(values[i].text))
		}
		return w.Write(row)
	})
	w.Flush()
	return n, errors.Join(err, w.Error())
}

// harmlessCell keeps a spreadsheet from taking a stranger's text for a formula.
func harmlessCell(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}

// rowGroup is how many findings a row group of parquet has: what the writer holds in memory.
const rowGroup = 20_000

// writeParquet writes a column a path, text that may be absent.
func writeParquet(to io.Writer, from io.Reader, cells *columnReader) (int, error) {
	group := parquet.Group{}
	for _, path := range cells.paths {
		group[path] = parquet.Compressed(parquet.Optional(parquet.String()), &parquet.Zstd)
	}
	schema := parquet.NewSchema("findings", group)
	at := make([]int, len(cells.paths)) // column of a path: parquet orders them by name
	for i, path := range cells.paths {
		leaf, ok := schema.Lookup(path)
		if !ok {
			return 0, fmt.Errorf("--columns: parquet has no column %s", path)
		}
		at[i] = leaf.ColumnIndex
	}
	w := parquet.NewWriter(to, schema, parquet.MaxRowsPerRowGroup(rowGroup), parquet.CreatedBy("hubcap", "", ""))
	row := make(parquet.Row, len(cells.paths))
	n, err := eachLine(from, func(line []byte) error {
		values, err := cells.row(line)
		if err != nil {
			return err
		}
		for i := range values {
			if values[i].present {
				row[at[i]] = parquet.ByteArrayValue(values[i].text).Level(0, 1, at[i])
			} else {
				row[at[i]] = parquet.NullValue().Level(0, 0, at[i])
			}
		}
		_, err = w.WriteRows([]parquet.Row{row})
		return err
	})
	if err != nil {
		return n, err
	}
	return n, w.Close()
}
