package asff

// Batch reads the body of one BatchImportFindings request. It may be used again, but not by two goroutines at once.
type Batch struct {
	Options  Options
	Findings []Finding // of the last Read, in the order sent
}

// Read reads {"Findings": [...]}. Other members of the request are skipped. It fails with a *SyntaxError for what is not strict
// JSON and with a *TypeError when the body is no object or Findings no list; an absent or null Findings is an empty list.
func (b *Batch) Read(body []byte) error { _ = body; return nil }

// ReadFindings reads a list of findings that stands alone.
func (b *Batch) ReadFindings(list []byte) error { _ = list; return nil }

// Reader reads one document at a time. It may be used again, but not by two goroutines at once.
type Reader struct{}

// Check reads and checks one finding. The Finding lives until r's next call. It fails only with a *SyntaxError.
func (r *Reader) Check(doc []byte, opts CheckOptions) (*Finding, error) {
	_, _ = doc, opts
	return nil, nil
}

// Split finds the top-level members of a canonical document.
func Split(doc []byte, m *Members) error { _, _ = doc, m; return nil }
