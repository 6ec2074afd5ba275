package main

import (
	"errors"
	"fmt"
	"io"

	"hubcap/internal/asff"
)

// mendedList is a list of findings, written as they come. A nil list is none.
type mendedList struct {
	w, told io.Writer
	reader  asff.Reader
	written int
}

// add writes a finding as it is after mending, and answers what was changed; nil: nothing. What is no strict JSON is left out, and told as
// a violation by who called.
func (l *mendedList) add(item readItem, opts asff.Options) (*asff.Mending, error) {
	m, err := l.reader.Mend(item.Raw, asff.MendOptions{Options: opts})
	if _, ok := errors.AsType[*asff.SyntaxError](err); ok {
		return nil, nil //nolint:nilnil // nothing was changed
	}
	if err != nil {
		return nil, err
	}
	text := item.Raw
	if m.Text != nil {
		text = m.Text
	}
	head := ",\n"
	if l.written == 0 {
		head = "[\n"
	}
	l.written++
	if _, err := io.WriteString(l.w, head); err != nil {
		return nil, err
	}
	if _, err := l.w.Write(text); err != nil {
		return nil, err
	}
	if m.Text == nil {
		return nil, nil //nolint:nilnil // nothing was changed
	}
	return m, nil
}

// tell says what was changed in a finding.
func (l *mendedList) tell(file string, at place, id string, mends []asff.Mend) error {
	for _, m := range mends {
		if _, err := fmt.Fprintln(l.told, printable(fmt.Sprintf("%s:%d:%d: %s: %s: %s", file, at.Line, at.Column, firstOf(id, "(no Id)"), m.Path, m.Message))); err != nil {
			return err
		}
	}
	return nil
}

// end closes the list.
func (l *mendedList) end() error {
	if l == nil {
		return nil
	}
	text := "\n]\n"
	if l.written == 0 {
		text = "[]\n"
	}
	_, err := io.WriteString(l.w, text)
	return err
}
