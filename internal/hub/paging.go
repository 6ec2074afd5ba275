package hub

import (
	"slices"
	"strconv"
	"time"

	"hubcap/internal/api"
	"hubcap/internal/iam"
	"hubcap/internal/query"
)

// maxPage is the largest page of every list, and the size of a page when nobody asks for one (D12).
const maxPage = 100

// The largest pages of the lists that AWS's model bounds lower (CrossAccountMaxResults, AdminsMaxResults).
const (
	maxAccountsPage = 50
	maxAdminsPage   = 10
)

// pageSize reads MaxResults.
func pageSize(asked *int32) (int, error) {
	size, err := pageWithin(asked, maxPage)
	if err != nil {
		return 0, err
	}
	return int(*size), nil
}

// pageWithin reads MaxResults of a list whose pages hold at most so many, and as many when nobody asks for fewer.
func pageWithin(asked *int32, most int32) (*int32, error) {
	switch {
	case asked == nil:
		return &most, nil
	case *asked < 1:
		return nil, api.InvalidParameter("MaxResults", "'"+strconv.Itoa(int(*asked))+"' is less than minimum value: 1")
	case *asked > most:
		return nil, api.InvalidParameter("MaxResults", "'"+strconv.Itoa(int(*asked))+"' is greater than maximum value: "+strconv.Itoa(int(most)))
	}
	return asked, nil
}

// ask binds a page token to what it continues: the operation, the caller, the Region and what was asked (D43).
func ask(operation string, p *iam.Principal, filters, sort []byte) query.Question {
	return query.Ask(operation, p.Account+" "+p.Region, filters, sort)
}

// openToken reads a NextToken of the question. An absent or empty one begins at the first page, at now.
func (h *Hub) openToken(token *string, q query.Question, now time.Time) (*query.Position, time.Time, error) {
	if token == nil || *token == "" {
		return nil, now, nil
	}
	after, at, err := h.sealer.Open(*token, q)
	if err != nil {
		return nil, now, paramError(err)
	}
	return after, at, nil
}

// page cuts one page out of a sorted list of names: what follows the place a token tells, at most MaxResults, and the token of
// the next page.
func (h *Hub) page(names []string, token *string, size *int32, q query.Question) (part []string, next *string, err error) {
	limit, err := pageSize(size)
	if err != nil {
		return nil, nil, err
	}
	now := h.now()
	after, _, err := h.openToken(token, q, now)
	if err != nil {
		return nil, nil, err
	}
	if after != nil && len(after.Values) == 1 {
		for len(names) > 0 && names[0] <= after.Values[0].Text {
			names = names[1:]
		}
	}
	if len(names) <= limit {
		return names, nil, nil
	}
	part = names[:limit]
	sealed, err := h.sealer.Seal(q, &query.Position{Values: []query.SortValue{{Text: part[limit-1]}}}, now)
	if err != nil {
		return nil, nil, err
	}
	return part, &sealed, nil
}

// following narrows a sorted list of names to those that page needs: what follows the place a token tells and is wanted, one more than
// a page holds. It does not look at the others.
func (h *Hub) following(names []string, token *string, size *int32, q query.Question, wanted func(string) (bool, error)) ([]string, error) {
	limit, err := pageSize(size)
	if err != nil {
		return nil, err
	}
	after, _, err := h.openToken(token, q, h.now())
	if err != nil {
		return nil, err
	}
	if after != nil && len(after.Values) == 1 {
		at, found := slices.BinarySearch(names, after.Values[0].Text)
		if found {
			at++
		}
		names = names[at:]
	}
	var part []string
	for _, name := range names {
		if len(part) > limit {
			break
		}
		ok, err := wanted(name)
		if err != nil {
			return nil, err
		}
		if ok {
			part = append(part, name)
		}
	}
	return part, nil
}
