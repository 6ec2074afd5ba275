package server

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/asff"
)

// steps are the sizes through which a body's buffer grows as its bytes arrive: a client that announces 6 MB and sends nothing costs
// 32 KB. The last holds the largest body and the byte that tells it from a larger one.
var steps = [...]int{32 << 10, 128 << 10, 512 << 10, 2 << 20, asff.MaxBodyBytes + 1}

// pools keep a pool of buffers a step.
var pools [len(steps)]sync.Pool

type buffer struct {
	bytes []byte
	step  int
}

// budget counts the memory that requests under way hold (--max-inflight).
type budget struct {
	used atomic.Int64
	most int64
}

func (b *budget) take(n int) bool {
	if b.used.Add(int64(n)) > b.most {
		b.used.Add(-int64(n))
		return false
	}
	return true
}

func (b *budget) give(n int) { b.used.Add(-int64(n)) }

// borrow takes a buffer of a step, or nil when that would go beyond the budget.
func (b *budget) borrow(step int) *buffer {
	if !b.take(steps[step]) {
		return nil
	}
	if buf, ok := pools[step].Get().(*buffer); ok {
		return buf
	}
	return &buffer{bytes: make([]byte, steps[step]), step: step}
}

func (b *budget) giveBack(buf *buffer) {
	if buf == nil {
		return
	}
	b.give(steps[buf.step])
	pools[buf.step].Put(buf)
}

var (
	errTooLarge = api.Errorf(api.RequestEntityTooLarge, "The request body is larger than %d bytes.", asff.MaxBodyBytes)
	errBusy     = api.Errorf(api.ServiceUnavailable, "Too many requests are under way. Try again in a second.")
	errSlow     = &api.Error{Code: "RequestTimeoutException", Status: http.StatusRequestTimeout, Message: "The request body came too slowly."}
	errHalfway  = &api.Error{Code: "RequestTimeoutException", Status: http.StatusBadRequest, Message: "The request body ended before its announced length."}
)

// readBody reads the whole body into a buffer of the budget, which the caller gives back even on an error. ServeHTTP gave the first
// step stepTime to arrive and each growth gets as much again, so a slow line has time for a large body and a client that only holds the line has not.
func (s *Server) readBody(w http.ResponseWriter, r *http.Request) (*buffer, []byte, error) {
	if r.ContentLength > asff.MaxBodyBytes {
		return nil, nil, errTooLarge
	}
	if r.ContentLength == 0 {
		return nil, nil, nil
	}
	line := http.NewResponseController(w)
	buf := s.budget.borrow(0)
	n := 0
	for {
		if buf == nil {
			return nil, nil, errBusy
		}
		for n < len(buf.bytes) {
			m, err := r.Body.Read(buf.bytes[n:])
			n += m
			if n > asff.MaxBodyBytes {
				return buf, nil, errTooLarge
			}
			if err == nil {
				continue
			}
			if err != io.EOF {
				return buf, nil, readError(err)
			}
			_ = line.SetReadDeadline(time.Time{}) // else it would end the request that is now being worked on
			return buf, buf.bytes[:n], nil
		}
		larger := s.budget.borrow(buf.step + 1)
		if larger != nil {
			copy(larger.bytes, buf.bytes[:n])
		}
		s.budget.giveBack(buf)
		buf = larger
		readWithin(line, s.stepTime)
	}
}

// readWithin bounds the time of what is read next. A connection without deadlines (a test's recorder) is none that could be slow.
func readWithin(line *http.ResponseController, d time.Duration) {
	_ = line.SetReadDeadline(time.Now().Add(d)) //nolint:forbidigo // the operating system's clock, not the hub's
}

func readError(err error) error {
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return errSlow
	}
	return errHalfway
}

// drainMost is how much of an unread body is read after the answer, so that a client that writes before it reads sees the answer.
const drainMost = 1 << 20

// drain reads what an early answer left unread.
func (s *Server) drain(w http.ResponseWriter, r *http.Request) {
	if r.ContentLength == 0 || r.Header.Get("Expect") != "" { // who waits for 100-continue reads the answer first
		return
	}
	line := http.NewResponseController(w)
	if line.Flush() != nil {
		return
	}
	readWithin(line, s.drainTime)
	_, _ = io.CopyN(io.Discard, r.Body, drainMost)
}
