package hub

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/api"
	"hubcap/internal/iam"
)

// A page of history has a hundred records unless fewer are asked for, and the pages hold each record once (spec 5.1).
func TestLongHistory(t *testing.T) {
	for name, open := range engines {
		t.Run(name, func(t *testing.T) {
			const edits = 230
			now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
			h := openHub(t, open(t), func() time.Time { return now })
			p := &iam.Principal{Account: "111122223333", Region: "us-east-1", ARN: "arn:aws:iam::111122223333:user/x"}
			_, err := h.BatchImportFindings(t.Context(), p, []byte(importBody(t, p, `{"Id": "a"}`)))
			require.NoError(t, err)
			for n := range edits {
				if n%3 == 0 { // several changes of one millisecond
					now = now.Add(time.Millisecond)
				}
				edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"UserDefinedFields":{"n":"` + strconv.Itoa(n) + `"}}`
				_, err := h.BatchUpdateFindings(t.Context(), p, []byte(edit))
				require.NoError(t, err)
			}
			in := &api.GetFindingHistoryInput{FindingIdentifier: api.AwsSecurityFindingIdentifier{Id: "a", ProductArn: ownProductARN}}
			var sizes []int
			n := edits
			for {
				out, err := h.GetFindingHistory(t.Context(), p, in)
				require.NoError(t, err)
				sizes = append(sizes, len(out.Records))
				for _, rec := range out.Records {
					if *rec.FindingCreated {
						require.Zero(t, n)
						continue
					}
					n--
					require.Equal(t, `{"n":"`+strconv.Itoa(n)+`"}`, *rec.Updates[0].NewValue)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
				// What happens meanwhile is newer than every page to come.
				edit := `{"FindingIdentifiers":[{"Id":"a","ProductArn":"` + ownProductARN + `"}],"Confidence":` + strconv.Itoa(len(sizes)) + `}`
				_, err = h.BatchUpdateFindings(t.Context(), p, []byte(edit))
				require.NoError(t, err)
			}
			require.Equal(t, []int{100, 100, 31}, sizes)
		})
	}
}
