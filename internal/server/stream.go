package server

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"hubcap/internal/api"
)

// stream is an answer that is written as it comes, of any length: exports, backups. A whole one ends with the trailer X-Hubcap-Length,
// its bytes; one that fails half way is cut off, so that no client takes a part for the whole.
type stream struct {
	contentType string
	live        bool // it goes on as long as the client listens
	write       func(ctx context.Context, w io.Writer) error
}

const (
	streamBuffer = 64 << 10
	mostStreams  = 16 // each holds a snapshot of the store
	mostLive     = 64 // they hold nothing but a buffer
	lengthHeader = "X-Hubcap-Length"
)

// stream answers with one. The context ends when the client goes away.
func (c *call) stream(ctx context.Context, s *stream) {
	c.release()
	streams, most := &c.s.streams, int32(mostStreams)
	if s.live {
		streams, most = &c.s.live, mostLive
		c.w.Header()["Cache-Control"] = []string{"no-store"}
	}
	if streams.Add(1) > most || !c.s.budget.take(streamBuffer) {
		streams.Add(-1)
		c.fail(errBusy)
		return
	}
	w := &streamWriter{c: c, contentType: s.contentType, buf: make([]byte, 0, streamBuffer), patience: c.s.writeTime}
	defer func() {
		streams.Add(-1)
		c.s.budget.give(streamBuffer)
	}()
	err := s.write(ctx, w)
	if err == nil {
		err = w.Flush()
	}
	switch {
	case err == nil:
		c.w.Header()[lengthHeader] = []string{strconv.FormatInt(w.sent, 10)}
	case !w.begun:
		c.fail(err)
	default:
		e := c.visible(err) // a line in the log, if it is the hub's own trouble
		if e.Code == api.ServiceUnavailable {
			c.s.log.WarnContext(ctx, "an answer was cut off half way", slog.String("request", c.id), slog.String("operation", c.name()), slog.Any("error", err))
		}
		c.status = e.Status
		panic(http.ErrAbortHandler) // without the last chunk the client knows
	}
}

// streamWriter collects what is written into pieces. A client has writeTime to take them and a second more for each 64 KB, as for any
// answer; the time in which the hub finds what to write does not count.
type streamWriter struct {
	c           *call
	contentType string
	buf         []byte
	sent        int64
	patience    time.Duration
	begun       bool
	err         error
}

// errSlowReader ends a stream whose client does not take it.
var errSlowReader = &api.Error{Code: "RequestTimeoutException", Status: 499, Message: "The client took the answer too slowly, or went away."}

// Write implements io.Writer.
func (w *streamWriter) Write(p []byte) (int, error) {
	if len(w.buf)+len(p) > streamBuffer {
		if err := w.flush(); err != nil {
			return 0, err
		}
	}
	if len(p) > streamBuffer {
		return len(p), w.send(p)
	}
	w.buf = append(w.buf, p...)
	return len(p), nil
}

// Flush sends what was written so far.
func (w *streamWriter) Flush() error {
	if err := w.flush(); err != nil {
		return err
	}
	w.limit() // what comes behind the last piece, its end among it, is written when the hub has found that there is no more
	if err := http.NewResponseController(w.c.w).Flush(); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return errSlowReader
	}
	return nil
}

func (w *streamWriter) flush() error {
	if w.err == nil && len(w.buf) > 0 || !w.begun {
		w.err = w.send(w.buf)
		w.buf = w.buf[:0]
	}
	return w.err
}

func (w *streamWriter) send(p []byte) error {
	if w.err != nil {
		return w.err
	}
	if !w.begun {
		w.begun = true
		h := w.c.w.Header()
		h["Content-Type"] = []string{w.contentType}
		h["Trailer"] = []string{lengthHeader}
		w.c.status = http.StatusOK
		w.c.w.WriteHeader(http.StatusOK)
	}
	w.patience = min(w.patience, w.c.s.writeTime) + time.Duration(len(p))*time.Second>>16
	before := w.limit()
	_, err := w.c.w.Write(p)
	w.patience -= time.Since(before)
	w.sent += int64(len(p))
	if err != nil || w.patience <= 0 {
		w.err = errSlowReader
	}
	return w.err
}

// limit gives the client its time from now on.
func (w *streamWriter) limit() (now time.Time) {
	now = time.Now()                                                            //nolint:forbidigo // the operating system's clock
	_ = http.NewResponseController(w.c.w).SetWriteDeadline(now.Add(w.patience)) // a recorder in tests has none
	return now
}
