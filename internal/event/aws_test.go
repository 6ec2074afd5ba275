package event

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"hubcap/internal/sigv4"
)

const (
	awsTestKey    = "AKIAHUBCAPSINKS00000"
	awsTestSecret = "a-secret-access-key-of-the-sinks"
)

// awsEntry is a message as one of the three services was sent it.
type awsEntry struct{ body, group, dedup string }

// awsReceiver speaks as much of SQS (AWS JSON 1.0), SNS (Query) and EventBridge (AWS JSON 1.1) as sinks need. It checks each signature,
// and fails as it is told: as a whole, or a single entry, after it took the entry or without.
type awsReceiver struct {
	t        *testing.T
	verifier *sigv4.Verifier
	server   *httptest.Server

	mu       sync.Mutex
	dead     bool
	n        int
	code     string // of the whole answer
	entry    func(n int, e awsEntry) (code string, keep bool)
	entries  []awsEntry
	requests []int // entries of each
}

func newAWSReceiver(t *testing.T) *awsReceiver {
	t.Helper()
	r := &awsReceiver{t: t, verifier: sigv4.NewVerifier(func(id string) (string, bool) { return awsTestSecret, id == awsTestKey })}
	r.server = httptest.NewServer(r)
	t.Cleanup(r.server.Close)
	return r
}

func (r *awsReceiver) kill()   { r.set(func() { r.dead = true }) }
func (r *awsReceiver) revive() { r.set(func() { r.dead = false }) }
func (r *awsReceiver) set(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	fn()
}

func (r *awsReceiver) received() (bodies [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.entries {
		bodies = append(bodies, []byte(e.body))
	}
	return bodies
}

// awsReading is what was in a request: its entries, and how each service answers.
type awsReading struct {
	service  string
	entries  []awsEntry
	ids      []string
	fail     func(w http.ResponseWriter, code string)
	answered func(w http.ResponseWriter, codes []string)
}

func (r *awsReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return // it was cut off
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.dead {
		panic(http.ErrAbortHandler)
	}
	in := r.read(req, body)
	signed := sigv4.NewRequest(req)
	checked, err := r.verifier.Check(signed, in.service, time.Now())
	if err == nil {
		err = checked.Body(body)
	}
	if err != nil {
		in.fail(w, strings.SplitN(err.Error(), ":", 2)[0])
		return
	}
	if r.code != "" {
		in.fail(w, r.code)
		return
	}
	r.requests = append(r.requests, len(in.entries))
	codes := make([]string, len(in.entries))
	lost := false
	for i, e := range in.entries {
		r.n++
		keep := true
		if r.entry != nil {
			codes[i], keep = r.entry(r.n, e)
		}
		if keep {
			r.entries = append(r.entries, e)
		}
		lost = lost || codes[i] == "lost"
	}
	if lost {
		panic(http.ErrAbortHandler) // it has them, and nobody hears of it
	}
	in.answered(w, codes)
}

func (r *awsReceiver) read(req *http.Request, body []byte) (in awsReading) {
	switch target := req.Header.Get("X-Amz-Target"); target {
	case "AmazonSQS.SendMessageBatch":
		var b struct {
			QueueURL string `json:"QueueUrl"`
			Entries  []struct{ ID, MessageBody, MessageGroupID, MessageDeduplicationID string }
		}
		require.NoError(r.t, json.Unmarshal(body, &b))
		require.Contains(r.t, b.QueueURL, "/111122223333/findings")
		in.service = "sqs"
		for _, e := range b.Entries {
			in.entries, in.ids = append(in.entries, awsEntry{e.MessageBody, e.MessageGroupID, e.MessageDeduplicationID}), append(in.ids, e.ID)
		}
		in.fail = jsonFailure("com.amazonaws.sqs#")
		in.answered = func(w http.ResponseWriter, codes []string) {
			out := map[string][]map[string]any{"Successful": {}, "Failed": {}}
			for i, code := range codes {
				if code != "" {
					out["Failed"] = append(out["Failed"], map[string]any{"Id": in.ids[i], "Code": code, "SenderFault": true, "Message": "because"})
					continue
				}
				out["Successful"] = append(out["Successful"], map[string]any{"Id": in.ids[i], "MessageId": "m", "MD5OfMessageBody": md5Of(in.entries[i].body)})
			}
			_ = json.NewEncoder(w).Encode(out)
		}
	case "AWSEvents.PutEvents":
		var b struct {
			Entries []struct {
				EventBusName, Source, DetailType, Detail string
				Resources                                []string
				Time                                     float64
			}
		}
		require.NoError(r.t, json.Unmarshal(body, &b))
		in.service = "events"
		for _, e := range b.Entries {
			require.Equal(r.t, "security", e.EventBusName)
			require.Equal(r.t, "Security Hub Findings - Imported", e.DetailType)
			require.Len(r.t, e.Resources, 1)
			// As a rule's target gets it, with the hub's own id.
			var d struct {
				Hubcap struct{ ID, Account, Region string }
			}
			require.NoError(r.t, json.Unmarshal([]byte(e.Detail), &d))
			in.entries = append(in.entries, awsEntry{body: fmt.Sprintf(`{"id":%q,"source":%q,"account":%q,"detail":%s}`, d.Hubcap.ID, e.Source, d.Hubcap.Account, e.Detail)})
		}
		in.fail = jsonFailure("")
		in.answered = func(w http.ResponseWriter, codes []string) {
			var list []map[string]any
			failed := 0
			for _, code := range codes {
				if code != "" {
					failed++
					list = append(list, map[string]any{"ErrorCode": code, "ErrorMessage": "because"})
					continue
				}
				list = append(list, map[string]any{"EventId": "e"})
			}
			_ = json.NewEncoder(w).Encode(map[string]any{"FailedEntryCount": failed, "Entries": list})
		}
	default:
		form, err := url.ParseQuery(string(body))
		require.NoError(r.t, err)
		require.Equal(r.t, "PublishBatch", form.Get("Action"))
		require.Contains(r.t, form.Get("TopicArn"), "arn:aws:sns:us-east-1:111122223333:findings")
		in.service = "sns"
		for n := 1; ; n++ {
			at := "PublishBatchRequestEntries.member." + strconv.Itoa(n) + "."
			if !form.Has(at + "Id") {
				break
			}
			in.ids = append(in.ids, form.Get(at+"Id"))
			in.entries = append(in.entries, awsEntry{form.Get(at + "Message"), form.Get(at + "MessageGroupId"), form.Get(at + "MessageDeduplicationId")})
		}
		in.fail = func(w http.ResponseWriter, code string) {
			w.WriteHeader(statusOf(code))
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>because</Message></Error><RequestId>r</RequestId></ErrorResponse>`, code)
		}
		in.answered = func(w http.ResponseWriter, codes []string) {
			var good, bad strings.Builder
			for i, code := range codes {
				if code != "" {
					fmt.Fprintf(&bad, `<member><Id>%s</Id><Code>%s</Code><Message>because</Message><SenderFault>true</SenderFault></member>`, in.ids[i], code)
					continue
				}
				fmt.Fprintf(&good, `<member><Id>%s</Id><MessageId>m</MessageId></member>`, in.ids[i])
			}
			fmt.Fprintf(w, `<PublishBatchResponse><PublishBatchResult><Successful>%s</Successful><Failed>%s</Failed></PublishBatchResult></PublishBatchResponse>`, good.String(), bad.String())
		}
	}
	return in
}

func jsonFailure(prefix string) func(http.ResponseWriter, string) {
	return func(w http.ResponseWriter, code string) {
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		w.WriteHeader(statusOf(code))
		_ = json.NewEncoder(w).Encode(map[string]string{"__type": prefix + code, "message": "because"})
	}
}

func statusOf(code string) int {
	switch code {
	case "InternalFailure":
		return 500
	case "SignatureDoesNotMatch", "AccessDenied", "InvalidSignatureException":
		return 403
	}
	return 400
}

// awsTargets are the three, each at a receiver of its own.
func awsTargets(t *testing.T, fifo string, change func(*AWSOptions)) map[string]func(*awsReceiver) (Target, error) {
	t.Helper()
	options := func(r *awsReceiver) AWSOptions {
		o := AWSOptions{Endpoint: r.server.URL, Region: "us-east-1", AccessKeyID: awsTestKey, Secret: awsTestSecret, AllowPrivate: true}
		if change != nil {
			change(&o)
		}
		return o
	}
	return map[string]func(*awsReceiver) (Target, error){
		"sqs": func(r *awsReceiver) (Target, error) {
			return NewSQS(SQSOptions{AWSOptions: options(r), QueueURL: "https://sqs.us-east-1.amazonaws.com/111122223333/findings" + fifo})
		},
		"sns": func(r *awsReceiver) (Target, error) {
			return NewSNS(SNSOptions{AWSOptions: options(r), TopicARN: "arn:aws:sns:us-east-1:111122223333:findings" + fifo})
		},
		"eventbridge": func(r *awsReceiver) (Target, error) {
			return NewEventBridge(EventBridgeOptions{AWSOptions: options(r), EventBus: "security"})
		},
	}
}

// Each of AWS's services dies and returns, fails as a whole and by entry, and answers what nobody hears: nothing is lost, each finding's
// events are in order, and events travel together.
func TestAWSSinks(t *testing.T) {
	for name, open := range awsTargets(t, ".fifo", nil) {
		t.Run(name, func(t *testing.T) {
			r := newAWSReceiver(t)
			r.entry = func(n int, _ awsEntry) (string, bool) {
				switch {
				case n%31 == 0:
					return "InternalFailure", false
				case n%97 == 0:
					return "lost", true
				}
				return "", true
			}
			target, err := open(r)
			require.NoError(t, err)
			survives(t, target, r)
			together := 0
			for _, n := range r.requests {
				require.LessOrEqual(t, n, 10)
				together = max(together, n)
			}
			require.Greater(t, together, 1)
			groups := map[string]string{} // of each finding, the group
			for _, e := range r.entries {
				var in struct {
					ID     string
					Detail struct{ Findings []struct{ ID string } }
				}
				require.NoError(t, json.Unmarshal([]byte(e.body), &in))
				if name == "eventbridge" {
					continue
				}
				require.Equal(t, in.ID, e.dedup)
				finding := in.Detail.Findings[0].ID
				if g, ok := groups[finding]; ok {
					require.Equal(t, g, e.group)
				}
				groups[finding] = e.group
				require.Len(t, e.group, 32)
			}
		})
	}
}

// What a service refuses for good lies in the event; all else is mended, or passes. No secret is in what is told.
func TestAWSRefusals(t *testing.T) {
	for name, open := range awsTargets(t, "", nil) {
		t.Run(name, func(t *testing.T) {
			r := newAWSReceiver(t)
			target, err := open(r)
			require.NoError(t, err)
			m := sample("one", 1)
			require.NoError(t, target.Deliver(t.Context(), m))
			require.Empty(t, r.entries[0].group, "a standard queue knows no groups")
			for code, permanent := range map[string]bool{
				"InvalidParameterValue": true, "BatchRequestTooLong": true, "ValidationException": true, "InvalidMessageContents": true,
				"QueueDoesNotExist": false, "NotFound": false, "AccessDenied": false, "ThrottlingException": false, "InternalFailure": false,
			} {
				r.set(func() { r.code = code })
				err := target.Deliver(t.Context(), m)
				if permanent {
					refusedForGood(t, err, "answered "+code+": because")
				} else {
					refusedForNow(t, err, "answered "+code+": because")
				}
				r.set(func() { r.code, r.entry = "", func(int, awsEntry) (string, bool) { return code, false } })
				err = target.Deliver(t.Context(), m)
				if permanent {
					refusedForGood(t, err, "answered "+code+": because")
				} else {
					refusedForNow(t, err, "answered "+code+": because")
				}
				r.set(func() { r.entry = nil })
			}
			require.NoError(t, target.Deliver(t.Context(), m))
			r.kill()
			require.Error(t, target.Deliver(t.Context(), m))
			require.NoError(t, target.Close())
		})
	}
	wrong := awsTargets(t, "", func(o *AWSOptions) { o.Secret = "not-that-one" })
	public := awsTargets(t, "", func(o *AWSOptions) {
		o.Endpoint, o.AllowPrivate = strings.Replace(o.Endpoint, "http:", "https:", 1), false
	})
	for name := range wrong {
		r := newAWSReceiver(t)
		target, err := wrong[name](r)
		require.NoError(t, err)
		err = target.Deliver(t.Context(), sample("one", 1))
		require.ErrorContains(t, err, "Signature", name)
		require.NotContains(t, err.Error(), "not-that-one")
		require.Empty(t, r.entries)
		target, err = public[name](r)
		require.NoError(t, err)
		guarded(t, target)
	}
}

// EventBridge writes an envelope of its own: the event's id, account and Region stand in the detail.
func TestEventBridgeEntry(t *testing.T) {
	e, err := NewEventBridge(EventBridgeOptions{
		AWSOptions: AWSOptions{AccessKeyID: awsTestKey, Secret: awsTestSecret}, EventBus: "arn:aws:events:eu-west-1:111122223333:event-bus/b", Source: "aws.securityhub",
	})
	require.NoError(t, err)
	entry, err := e.entry(sample("one", 3))
	require.NoError(t, err)
	require.Equal(t, `{"findings":[{"Id":"f","Title":"xxx"}],"hubcap":{"id":"one","account":"111122223333","region":"us-east-1"}}`, *entry.Detail)
	require.Equal(t, []string{"arn:r"}, entry.Resources)
	require.Equal(t, "aws.securityhub", *entry.Source)
	require.Equal(t, time.Unix(1_700_000_000, 0), *entry.Time)
	_, err = e.entry(&Message{ID: "x", Body: []byte("nonsense")})
	refusedForGood(t, err, "no envelope")
}

func TestAWSOptions(t *testing.T) {
	good := AWSOptions{Region: "us-east-1", AccessKeyID: awsTestKey, Secret: awsTestSecret}
	for want, change := range map[string]func(*AWSOptions){
		"aws_region is missing":              func(o *AWSOptions) { o.Region = "" },
		"aws_region: must be one":            func(o *AWSOptions) { o.Region = "US EAST" },
		"access_key_id is missing":           func(o *AWSOptions) { o.AccessKeyID = "" },
		"access_key_id: must be":             func(o *AWSOptions) { o.AccessKeyID = "a b" },
		"a secret is missing":                func(o *AWSOptions) { o.Secret = "" },
		"endpoint: must be an address":       func(o *AWSOptions) { o.Endpoint = "sqs" },
		"endpoint: must begin with https://": func(o *AWSOptions) { o.Endpoint = "http://sqs.example" },
		"endpoint: must hold no user":        func(o *AWSOptions) { o.Endpoint = "https://a:" + awsTestSecret + "@sqs.example" },
	} {
		o := good
		change(&o)
		_, err := NewEventBridge(EventBridgeOptions{AWSOptions: o, EventBus: "b"})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), awsTestSecret)
	}
	good.Region = ""
	q, err := NewSQS(SQSOptions{AWSOptions: good, QueueURL: "https://sqs.eu-west-1.amazonaws.com/111122223333/q"})
	require.NoError(t, err)
	require.Equal(t, "eu-west-1", q.api.Options().Region)
	require.Equal(t, "https://sqs.eu-west-1.amazonaws.com", *q.api.Options().BaseEndpoint)
	for _, queue := range []string{"", "findings", "ftp://sqs.example/q", "https://u:p@sqs.example/q"} {
		_, err = NewSQS(SQSOptions{AWSOptions: good, QueueURL: queue})
		require.ErrorContains(t, err, "queue_url: must be an address", queue)
	}
	n, err := NewSNS(SNSOptions{AWSOptions: good, TopicARN: "arn:aws:sns:eu-west-1:111122223333:t"})
	require.NoError(t, err)
	require.Equal(t, "eu-west-1", n.api.Options().Region)
	for _, topic := range []string{"", "findings", "arn:aws:sqs:eu-west-1:111122223333:t", "arn:aws:sns::111122223333:t"} {
		_, err = NewSNS(SNSOptions{AWSOptions: good, TopicARN: topic})
		require.ErrorContains(t, err, "topic_arn: must be the ARN of a topic", topic)
	}
	for _, bus := range []string{"", "arn:aws:sns:eu-west-1:111122223333:t"} {
		_, err = NewEventBridge(EventBridgeOptions{AWSOptions: good, EventBus: bus})
		require.ErrorContains(t, err, "event_bus", bus)
	}
}

func md5Of(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
