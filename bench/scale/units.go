package main

// Cost is what one upload costs, and where that is measured.
type Cost struct {
	Value float64
	// Source is text that docs/benchmarks.md must have.
	Source string
}

// Units are the measured unit costs.
type Units struct {
	// Processor time of one upload of a second, in ms. Kafka's is that of three brokers.
	Temporal, Kafka, PostgreSQL, Worker, FFmpeg, GPUWorker, Store, API, Bridge Cost
	// ConvertSecond and AnalyzeSecond are the processor time of a further second of
	// audio, in ms, by ffmpeg and by the built-in engine.
	ConvertSecond, AnalyzeSecond Cost
	// ModelSpeed is audio by time of the reference model server on one CPU thread.
	ModelSpeed Cost
	// Starts are the workflows that one bridge starts in a second.
	Starts Cost
	// Calls are requests to Temporal, Events and History the history.
	Calls, Events, History Cost
	// Uploads and Lifecycle are bytes on a topic, Requests those to the store, Kept the
	// bytes in the store of a second of audio, and Fixed those of an upload, both without
	// the recording as it was sent.
	Uploads, Lifecycle, Requests, Kept, Fixed Cost
	// IndexEvents are those that the index writes in a second, on PostgreSQL.
	IndexEvents Cost
}

// Measured are the figures of docs/benchmarks.md.
var Measured = Units{
	Temporal: Cost{56, "| Temporal | 56 |"}, Kafka: Cost{45, "| Kafka, three brokers | 45 |"}, PostgreSQL: Cost{45, "| PostgreSQL | 45 |"},
	Worker: Cost{15, "| worker | 15 |"}, FFmpeg: Cost{12, "| ffmpeg, ffprobe | 12 |"}, GPUWorker: Cost{13, "| worker-gpu | 13 |"},
	Store: Cost{9, "| S3 | 9 |"}, API: Cost{2, "| API | 2 |"}, Bridge: Cost{1.2, "| bridge | 1.2 |"},
	ConvertSecond: Cost{1000. / 793, "793 times faster than it plays"}, AnalyzeSecond: Cost{1000. / 586, "| times real time, one core | 349 | 586 |"},
	ModelSpeed: Cost{182, "| speed: 2 at once | 182 |"},
	Starts:     Cost{134, "| starts/s, the bridge's process | 124 | 134 | 139 |"},
	Calls:      Cost{13, "| calls of the bridge and the workers | 23 | 13 |"},
	Events:     Cost{25, "| events of its history | 44 | 25 |"}, History: Cost{7700, "| bytes of its history | 16 KB | 7.7 KB |"},
	Uploads: Cost{600, "| bytes on `orak.uploads`, 1 record | 600 |"}, Lifecycle: Cost{3820, "| bytes on `orak.lifecycle`, 3 records | 3,820 |"},
	Requests: Cost{17.7, "| requests to the store | 17.7 |"},
	Kept:     Cost{33_240, "| bytes kept of a second of audio | 33,240 |"}, Fixed: Cost{1700, "| other bytes kept | 1,700 |"},
	IndexEvents: Cost{36_800, "| events/s, batches of 500 | 50,800 | 36,800 |"},
}

// Assumptions are what a reader replaces by own figures.
type Assumptions struct {
	// Seconds is the length of a recording, and Bytes what it takes as it was sent.
	Seconds, Bytes float64
	// Peak is the busiest hour over the mean, and Use the share of a core that is planned.
	Peak, Use float64
	// TemporalDays, KafkaDays and Replicas are retention and replication.
	TemporalDays, KafkaDays, Replicas float64
	// PostgreSQLCores is what one primary should do before it is replaced by Cassandra.
	PostgreSQLCores float64
	// ShardCalls are requests in a second that one history shard should get.
	ShardCalls float64
}

// Assumed are the assumptions of docs/scale.md.
var Assumed = Assumptions{
	Seconds: 60, Bytes: 480_000, Peak: 3, Use: 0.5, TemporalDays: 30, KafkaDays: 7, Replicas: 3, PostgreSQLCores: 16, ShardCalls: 5,
}

// Sizes are uploads a day.
var Sizes = []float64{10_000, 1_000_000, 10_000_000}
