package event

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// SQSOptions say which queue gets events. Endpoint is that of QueueURL when absent, and so is the Region where AWS's own address tells it.
type SQSOptions struct {
	AWSOptions
	QueueURL string
}

// SQS sends to a queue. A FIFO queue gets the finding as group, which keeps the order, and the event's id against repetitions.
type SQS struct {
	queue string
	fifo  bool
	all   *gather
	api   *sqs.Client
}

// NewSQS makes a target; nothing is asked until there is something to deliver. Its errors show no secret.
func NewSQS(o SQSOptions) (*SQS, error) {
	u, err := url.Parse(o.QueueURL)
	if err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http") {
		return nil, errors.New("queue_url: must be an address such as https://sqs.us-east-1.amazonaws.com/111122223333/findings")
	}
	if o.Endpoint == "" {
		o.Endpoint = u.Scheme + "://" + u.Host
	}
	if parts := strings.Split(u.Hostname(), "."); o.Region == "" && len(parts) > 3 && parts[0] == "sqs" {
		o.Region = parts[1]
	}
	conf, err := o.config()
	if err != nil {
		return nil, err
	}
	s := &SQS{queue: o.QueueURL, fifo: strings.HasSuffix(u.Path, ".fifo"), api: sqs.NewFromConfig(conf)}
	s.all = newGather(awsBatch, awsBytes, awsRequests, s.send)
	return s, nil
}

// AtOnce implements Wide.
func (s *SQS) AtOnce() int { return s.all.atOnce() }

// Deliver implements Target.
func (s *SQS) Deliver(ctx context.Context, m *Message) error { return s.all.deliver(ctx, m) }

func (s *SQS) send(ctx context.Context, list []*Message) ([]error, error) {
	entries := make([]types.SendMessageBatchRequestEntry, len(list))
	for i, m := range list {
		entries[i] = types.SendMessageBatchRequestEntry{Id: aws.String(entryID(i)), MessageBody: aws.String(string(m.Body))}
		if s.fifo {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = aws.String(m.Finding), aws.String(m.ID)
		}
	}
	out, err := s.api.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: aws.String(s.queue), Entries: entries})
	if err != nil {
		return nil, awsError(ctx, err)
	}
	results := silence(len(list))
	for i := range out.Successful {
		if at, ok := entryIndex(out.Successful[i].Id, len(list)); ok {
			results[at] = nil
		}
	}
	for i := range out.Failed {
		if at, ok := entryIndex(out.Failed[i].Id, len(list)); ok {
			results[at] = awsAnswer(aws.ToString(out.Failed[i].Code), aws.ToString(out.Failed[i].Message))
		}
	}
	return results, nil
}

// Close implements Target.
func (*SQS) Close() error { return nil }
