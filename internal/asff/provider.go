package asff

// The five attributes that a provider also keeps a copy of, in FindingProviderFields (spec 1.5), in the service model's order.
const (
	atConfidence = iota
	atCriticality
	atRelatedFindings
	atSeverity
	atTypes
	numAttrs
)

var attributes = [numAttrs]struct {
	bit  Attrs
	top  Top
	name string
}{
	{AttrConfidence, TopConfidence, "Confidence"},
	{AttrCriticality, TopCriticality, "Criticality"},
	{AttrRelatedFindings, TopRelatedFindings, "RelatedFindings"},
	{AttrSeverity, TopSeverity, "Severity"},
	{AttrTypes, TopTypes, "Types"},
}

// settle is the table of spec 1.5 for one attribute. sentF and sentT are what the request has in FindingProviderFields and at the
// top, wasF and wasT what is stored (nil on a create), and customer whether a customer has changed the attribute; fpf and top are
// what will be stored.
//
//	request has | create       | update, not customer | update, customer
//	F only      | fpf=F, top=F | fpf=F, top=F         | fpf=F, top as it was
//	T only      | fpf=T, top=T | fpf=T, top=T         | fpf=T, top as it was
//	both        | fpf=F, top=F | fpf=F, top=T         | fpf=F, top as it was
//	neither     | absent       | both as they were (U3)
func settle(sentF, sentT, wasF, wasT []byte, create, customer bool) (fpf, top []byte) {
	if sentF == nil && sentT == nil {
		return wasF, wasT
	}
	fpf, top = sentF, sentT
	if fpf == nil {
		fpf = sentT
	}
	if top == nil || create {
		top = fpf
	}
	if customer {
		top = wasT
	}
	return fpf, top
}

// providers is FindingProviderFields taken apart.
type providers struct {
	attrs   [numAttrs][]byte
	present bool
}

// read takes fpf apart. Members the format does not know are appended to unknown, each with a comma before it.
func (p *providers) read(fpf, unknown []byte) []byte {
	*p = providers{}
	if len(fpf) == 0 || fpf[0] != '{' {
		return unknown
	}
	p.present = true
	c := walk(fpf)
members:
	for {
		name, value, ok := c.member()
		if !ok {
			return unknown
		}
		for a := range attributes {
			if string(name) == attributes[a].name {
				p.attrs[a] = present(value)
				continue members
			}
		}
		unknown = appendMember(unknown, -1, name, value)
	}
}

// append writes FindingProviderFields; unknown is as read left it.
func (p *providers) append(dst, unknown []byte) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for a, v := range p.attrs {
		if v != nil {
			dst = appendMember(dst, start, []byte(attributes[a].name), v)
		}
	}
	if len(dst) == start && len(unknown) > 0 {
		unknown = unknown[1:]
	}
	dst = append(dst, unknown...)
	return append(dst, '}')
}
