package overview

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/api/resource"
	"orak/events"
	"orak/internal/kafka"
)

// topicSampler reads the topics of orak. It is not safe for concurrent use.
type topicSampler struct {
	cl    *kgo.Client
	adm   *kadm.Client
	names []string
	// topics are those that are looked at, as they should be.
	topics []events.Topic
	// closed returns how long Temporal keeps what is over.
	closed func(context.Context) kafka.Closed
	ends   map[place][]end
}

// place is a partition of a topic.
type place struct {
	topic     string
	partition int32
}

// end is the offset of the next record at a time.
type end struct {
	at     time.Time
	offset int64
}

func newTopicSampler(cfg kafka.Config, topics []events.Topic, closed func(context.Context) kafka.Closed, log *slog.Logger) (*topicSampler, error) {
	cl, err := kafka.NewClient(cfg, log)
	if err != nil {
		return nil, err
	}
	s := &topicSampler{cl: cl, adm: kadm.NewClient(cl), topics: topics, closed: closed, ends: make(map[place][]end)}
	for _, t := range topics {
		s.names = append(s.names, t.Name)
	}
	slices.Sort(s.names)
	return s, nil
}

func (s *topicSampler) close() { s.cl.Close() }

// look reads the topics once.
func (s *topicSampler) look(ctx context.Context) (resource.Topics, error) {
	details, err := s.adm.ListTopics(ctx, s.names...)
	if err != nil {
		return resource.Topics{}, kafkaDown(err)
	}
	starts, err := s.adm.ListStartOffsets(ctx, s.names...)
	if err != nil {
		return resource.Topics{}, kafkaDown(err)
	}
	ends, err := s.adm.ListEndOffsets(ctx, s.names...)
	if err != nil {
		return resource.Topics{}, kafkaDown(err)
	}
	risks, err := kafka.TopicRisks(ctx, s.cl, s.topics, s.closed(ctx))
	if err != nil {
		return resource.Topics{}, err
	}
	now := time.Now()
	s.add(ends, now)
	answer := resource.Topics{Topics: make([]resource.Topic, 0, len(s.names)), CheckedAt: now.UTC()}
	for _, name := range s.names {
		t := s.topic(name, details[name], starts, ends)
		for _, r := range risks {
			if r.Topic == name {
				t.Risks = append(t.Risks, resource.TopicRisk{Code: string(r.Code), Have: r.Have, Want: r.Want, Meaning: r.Meaning, Mend: r.Mend})
			}
		}
		answer.Topics = append(answer.Topics, t)
	}
	for _, kept := range s.ends {
		answer.WindowSeconds = max(answer.WindowSeconds, kept[len(kept)-1].at.Sub(kept[0].at).Seconds())
	}
	return answer, nil
}

// add keeps the ends of a window, and forgets partitions that were not listed.
func (s *topicSampler) add(listed kadm.ListedOffsets, now time.Time) {
	kept := make(map[place][]end)
	listed.Each(func(l kadm.ListedOffset) {
		if l.Err != nil {
			return
		}
		at := place{l.Topic, l.Partition}
		before := s.ends[at]
		if n := len(before); n > 0 && before[n-1].offset > l.Offset {
			before = nil // the topic was created anew
		}
		for len(before) > 1 && now.Sub(before[1].at) >= maxWindow {
			before = before[1:]
		}
		kept[at] = append(slices.Clone(before), end{now, l.Offset})
	})
	s.ends = kept
}

// rate returns the records per second of a partition in the window; nil before the
// second look.
func (s *topicSampler) rate(at place) *float64 {
	kept := s.ends[at]
	if len(kept) < 2 {
		return nil
	}
	first, last := kept[0], kept[len(kept)-1]
	perSecond := float64(last.offset-first.offset) / last.at.Sub(first.at).Seconds()
	return &perSecond
}

func (s *topicSampler) topic(name string, d kadm.TopicDetail, starts, ends kadm.ListedOffsets) resource.Topic {
	t := resource.Topic{Name: name, Partitions: []resource.TopicPartition{}}
	switch {
	case d.Topic == "" || errors.Is(d.Err, kerr.UnknownTopicOrPartition):
		t.Missing = true
		return t
	case d.Err != nil:
		t.Error = d.Err.Error()
		return t
	}
	for _, p := range d.Partitions.Sorted() {
		start, _ := starts.Lookup(name, p.Partition)
		last, known := ends.Lookup(name, p.Partition)
		shown := resource.TopicPartition{
			Partition: p.Partition, Leader: p.Leader, Replicas: len(p.Replicas), InSync: len(p.ISR),
			Start: start.Offset, End: last.Offset, PerSecond: s.rate(place{name, p.Partition}),
		}
		for _, err := range []error{p.Err, start.Err, last.Err} {
			if err != nil && shown.Error == "" {
				shown.Error = err.Error()
			}
		}
		if !known || shown.Error != "" {
			shown.Start, shown.End, shown.PerSecond = max(0, shown.Start), max(0, shown.End), nil
		}
		if shown.InSync < shown.Replicas {
			t.UnderReplicated++
		}
		t.Partitions = append(t.Partitions, shown)
	}
	t.PerSecond, t.Imbalance = balance(t.Partitions)
	return t
}

// balance returns the sum of the rates of partitions, and the largest over their mean;
// nil where they are not known, or there is none.
func balance(partitions []resource.TopicPartition) (sum, imbalance *float64) {
	var total, most float64
	known := 0
	for _, p := range partitions {
		if p.PerSecond == nil {
			continue
		}
		known++
		total += *p.PerSecond
		most = max(most, *p.PerSecond)
	}
	if known == 0 {
		return nil, nil
	}
	if total > 0 {
		over := most / (total / float64(known))
		imbalance = &over
	}
	return &total, imbalance
}
