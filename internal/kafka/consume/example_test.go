package consume_test

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"orak/internal/kafka"
	"orak/internal/kafka/consume"
)

// A consumer group that logs every event: one handler, and nothing else.
func Example() {
	broker := kfake.MustCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "songs"))
	defer broker.Close()
	at := kafka.Config{Brokers: broker.ListenAddrs(), ClientID: "example"}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	logged := make(chan string)
	group := consume.New(config(), consume.Deps{
		Name: "logger", Group: "orak-logger", Topics: []string{"songs"},
		Kafka: at, Log: slog.New(slog.DiscardHandler),
	}, func(_ context.Context, d *consume.Delivery) error {
		logged <- fmt.Sprintf("%s: %s", d.Record.Key, d.Record.Value)
		return nil
	})
	if err := group.Start(ctx); err != nil {
		fmt.Println(err)
		return
	}
	announce(ctx, at, &kgo.Record{Topic: "songs", Key: []byte("song-1"), Value: []byte("received")})
	fmt.Println(<-logged)
	fmt.Println(group.Stop(ctx))
	// Output:
	// song-1: received
	// <nil>
}

func announce(ctx context.Context, at kafka.Config, r *kgo.Record) {
	cl, err := kafka.NewClient(at, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer cl.Close()
	if err := cl.ProduceSync(ctx, r).FirstErr(); err != nil {
		fmt.Println(err)
	}
}
