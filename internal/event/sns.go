package event

import (
	"context"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"
)

// SNSOptions say which topic gets events. The Region is the topic's when absent.
type SNSOptions struct {
	AWSOptions
	TopicARN string
}

// SNS publishes to a topic. A FIFO topic gets the finding as group, which keeps the order, and the event's id against repetitions.
type SNS struct {
	topic string
	fifo  bool
	all   *gather
	api   *sns.Client
}

// NewSNS makes a target; nothing is asked until there is something to deliver. Its errors show no secret.
func NewSNS(o SNSOptions) (*SNS, error) {
	region, name, ok := arnOf(o.TopicARN, "sns")
	if !ok {
		return nil, errors.New("topic_arn: must be the ARN of a topic, such as arn:aws:sns:us-east-1:111122223333:findings")
	}
	if o.Region == "" {
		o.Region = region
	}
	conf, err := o.config()
	if err != nil {
		return nil, err
	}
	s := &SNS{topic: o.TopicARN, fifo: strings.HasSuffix(name, ".fifo"), api: sns.NewFromConfig(conf)}
	s.all = newGather(awsBatch, awsBytes, awsRequests, s.send)
	return s, nil
}

// AtOnce implements Wide.
func (s *SNS) AtOnce() int { return s.all.atOnce() }

// Deliver implements Target.
func (s *SNS) Deliver(ctx context.Context, m *Message) error { return s.all.deliver(ctx, m) }

func (s *SNS) send(ctx context.Context, list []*Message) ([]error, error) {
	entries := make([]types.PublishBatchRequestEntry, len(list))
	for i, m := range list {
		entries[i] = types.PublishBatchRequestEntry{Id: aws.String(entryID(i)), Message: aws.String(string(m.Body))}
		if s.fifo {
			entries[i].MessageGroupId, entries[i].MessageDeduplicationId = aws.String(m.Finding), aws.String(m.ID)
		}
	}
	out, err := s.api.PublishBatch(ctx, &sns.PublishBatchInput{TopicArn: aws.String(s.topic), PublishBatchRequestEntries: entries})
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
func (*SNS) Close() error { return nil }
