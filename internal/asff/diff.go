package asff

// Diff lists what changed between two canonical documents of one finding, for its history (spec 5.1, D33).
func Diff(old, new []byte) ([]FieldChange, error) { return nil, nil }
