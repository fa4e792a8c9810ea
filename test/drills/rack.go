package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"orak/events"
	"orak/test/accounts"
)

// nearBroker is the one in the zone of the bridge (compose.yml).
const (
	nearBroker = 2
)

func rackDrill() drill {
	return drill{
		name: "rack", about: "the bridge and one of the brokers are in the same zone",
		promises: "the bridge reads " + events.TopicUploads + " from that broker, whichever leads",
		blow:     readNear,
		lacks: func(s *scene) string {
			if bridge, err := s.Service("bridge"); err != nil || setting(bridge, "ORAK_BRIDGE_RACK") == "" {
				return "the bridge has no zone: lay test/drills/compose.yml over docker-compose.yml (rehearse -f)"
			}
			return ""
		},
	}
}

// readNear counts what the bridge reads from each broker, by its own metrics.
func readNear(ctx context.Context, s *scene) error {
	leads, err := s.leads(ctx, events.TopicUploads)
	if err != nil {
		return err
	}
	before, err := s.fetched(ctx)
	if err != nil {
		return err
	}
	accounts.Pause(ctx, s.down)
	after, err := s.fetched(ctx)
	if err != nil {
		return err
	}
	var near, all float64
	for node, n := range after {
		n -= before[node]
		all += n
		if node == nearBroker {
			near += n
		}
	}
	s.note("the bridge read %.0f of %.0f bytes from %s, which leads %d partitions", near, all, brokerName(nearBroker), leads[brokerName(nearBroker)])
	switch {
	case all == 0:
		return errors.New("the bridge read nothing")
	case near < 0.9*all:
		return fmt.Errorf("the bridge read %.0f of %.0f bytes from other zones", all-near, all)
	}
	return nil
}

// fetched are the bytes of records of uploads that the bridge has read, by broker.
func (s *scene) fetched(ctx context.Context) (map[int]float64, error) {
	const admin = "9464"
	bridge, err := s.Service("bridge")
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(bridge.Address, admin)+"/metrics", nil)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the bridge for its metrics: %w", err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("reading the metrics of the bridge: %w", err)
	}
	found := map[int]float64{}
	for _, m := range families["orak_kafka_fetch_bytes_total"].GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if node, err := strconv.Atoi(labels["node_id"]); err == nil && labels["topic"] == events.TopicUploads {
			found[node] += m.GetCounter().GetValue()
		}
	}
	return found, nil
}
