package asff

// ErrorMessage is the sentence with which AWS refuses a finding: its first violation, in AJV's words (spec 2.1). It is "" for a
// valid finding.
func ErrorMessage(vs []Violation) string {
	if len(vs) == 0 {
		return ""
	}
	return "Finding does not adhere to Amazon Finding Format. " + vs[0].Path + " " + vs[0].Message + "."
}

// Remedy says in one sentence how to mend the finding.
func (v Violation) Remedy() string { return "" }
