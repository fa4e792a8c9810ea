package main

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"

	"orak"
	"orak/api/resource"
	"orak/client"
	"orak/internal/terminal"
	"orak/operate/clusters"
	"orak/operate/versions"
)

var update = flag.Bool("update", false, "update the golden files and docs/configuration.md")

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, string(want), got)
}

func here() remote { return remote{Config: client.Config{Server: defaultServer}} }

func letter() resource.DeadLetter {
	at := time.Date(2026, 11, 22, 11, 0, 0, 0, time.Local)
	return resource.DeadLetter{
		ID: testID, Tenant: "default", Filename: "memo.m4a",
		Failure:  resource.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "The file holds no audio that can be decoded."},
		Attempts: 1, Cycle: 2, FirstAt: at, LastAt: at.Add(time.Minute),
		WorkflowID: "upload-" + testID, RunID: "5f1c7c0e-9f43-4bb5-8f1c-2a6b8f0c7d11",
		WebUI: "http://127.0.0.1:8233/namespaces/default/workflows/upload-" + testID,
	}
}

// letterDetail is a dead letter that failed again after it was reprocessed.
func letterDetail() resource.DeadLetterDetail {
	d := letter()
	d.Failure.Class, d.Failure.Message, d.Attempts = orak.ClassTransient, "The converter crashed.", 3
	at := d.FirstAt
	failed := func(after time.Duration, attempt int) orak.Mark {
		return orak.Mark{At: at.Add(after), Kind: orak.MarkAttemptFailed, Stage: orak.StageConvert, Class: orak.ClassTransient,
			Message: "The converter crashed.", Attempt: attempt}
	}
	id := string(d.ID)
	signal := func(tool, flag, name string) string {
		return tool + " workflow signal --" + flag + " upload-" + id + " --name " + name + ` --input '{"reason":"WHY","by":"WHO"}'`
	}
	both := func(name string) resource.Command {
		return resource.Command{Orak: "orak dlq " + name + " " + id, Temporal: signal("temporal", "workflow-id", name), Tctl: signal("tctl", "workflow_id", name)}
	}
	return resource.DeadLetterDetail{
		DeadLetter: d,
		First:      &orak.Failure{Stage: orak.StageConvert, Class: orak.ClassInput, Message: "The file holds no audio.", FirstAt: at.Add(-time.Hour), LastAt: at.Add(-time.Hour)},
		Restarts:   1,
		ExpiresAt:  at.Add(7 * 24 * time.Hour),
		Timeline: []orak.Mark{
			{At: at.Add(-time.Hour), Kind: orak.MarkDeadLettered, Stage: orak.StageConvert, Class: orak.ClassInput, Message: "The file holds no audio."},
			{At: at.Add(-time.Minute), Kind: orak.MarkReprocessed, Stage: orak.StageConvert, By: "ada", Reason: "a new ffmpeg was installed on every worker"},
			failed(0, 1), failed(time.Second, 2), failed(3*time.Second, 3),
			{At: at.Add(time.Minute), Kind: orak.MarkDeadLettered, Stage: orak.StageConvert, Class: orak.ClassTransient, Message: "The converter crashed."},
		},
		Event: &resource.Event{
			Topic: "orak.uploads", Partition: 3, Offset: 1200, Key: id, Size: 300,
			Headers: []resource.EventHeader{{Key: "ce_type", Value: "orak.upload.received"}, {Key: "authorization", Withheld: true}},
			Value:   `{"upload":{"upload_id":"` + id + `","tenant":"default","key":"uploads/default/` + id + `/original"}}`,
		},
		Commands: resource.Commands{
			Inspect: resource.Command{
				Temporal: "temporal workflow query --workflow-id upload-" + id + " --type status",
				Tctl:     "tctl workflow query --workflow_id upload-" + id + " --query_type status",
			},
			Reprocess: both("reprocess"), Discard: both("discard"),
		},
	}
}

func TestOutputAsPeopleSeeIt(t *testing.T) {
	t.Parallel()
	silence := analysis()
	silence.Pitch, silence.Key, silence.Tempo = orak.Pitch{HopS: 0.01}, orak.Key{}, orak.Tempo{}
	silence.Loudness = orak.Loudness{IntegratedLUFS: -70, TruePeakDBTP: -120}
	silence.Audio = orak.Audio{DurationS: 3723, Codec: "pcm_s16le", SampleRateHz: 8000, Channels: 1,
		Damage: []orak.Damage{orak.DamageTruncated, orak.DamageDecodeErrors, orak.DamageGaps, orak.DamageTrailing}}
	cut := analysis()
	cut.Audio.Damage, cut.Audio.MissingS = []orak.Damage{orak.DamageTruncated}, 2
	running := upload(orak.StatusAnalyzing)
	share := 0.45
	running.Attempt, running.StageProgress = 2, &share
	running.CreatedAt = time.Date(2026, 11, 22, 11, 58, 0, 0, time.Local)
	running.UpdatedAt = running.CreatedAt.Add(90 * time.Second)
	discarded := deadLettered()
	discarded.Status, discarded.UpdatedAt = orak.StatusDiscarded, running.UpdatedAt

	for name, show := range map[string]func(c *console){
		"result":      func(c *console) { c.result(analysis()) },
		"cut_off":     func(c *console) { c.result(cut) },
		"silence":     func(c *console) { c.result(silence) },
		"running":     func(c *console) { c.status(here(), running) },
		"completed":   func(c *console) { c.status(here(), upload(orak.StatusCompleted)) },
		"dead_letter": func(c *console) { c.ending(here(), deadLettered(), "memo.m4a") },
		"discarded":   func(c *console) { c.status(here(), discarded) },
		"uploads": func(c *console) {
			c.uploadLines([]resource.ListedUpload{listedUpload(), {Upload: upload(orak.StatusQueued)}}, true)
		},
		"similar": func(c *console) {
			c.similar(resource.SimilarUploads{Uploads: []resource.SimilarUpload{{ListedUpload: listedUpload(), Similarity: 0.987}}})
		},
		"songs_for": func(c *console) { c.songsFor(fitting()) },
		"songs_refused": func(c *console) {
			c.songsFor(resource.FittingSongs{Refusal: "this recording spans only 5 semitones, from C4 to F4; sing lower and higher, over a fifth (7 semitones) or more, so that it shows what you can reach"})
		},
		"songs_list": func(c *console) {
			c.songLines([]resource.Song{fitting().Songs[0].Song, {ID: "own", Title: "Own", Reference: testID, Waiting: true}})
		},
		"audit": func(c *console) {
			at := time.Date(2026, 11, 22, 11, 58, 0, 0, time.Local)
			c.actLines([]resource.Act{
				{At: at, Act: "dead-letter.reprocess", By: "key/k3npggu6225g (ann)", Tenant: "choir", Subject: testID, Detail: "the model server is back"},
				{At: at, Act: "setting.set", By: "kafka/ops (bob)", Tenant: resource.EveryTenant, Subject: "gpu-slots", Detail: "4"},
			})
		},
		"topics":       func(c *console) { c.topics(ailingTopics()) },
		"versions":     func(c *console) { c.versions(rampingVersions()) },
		"kafka_status": func(c *console) { c.kafkaStatus(threeClusters()) },
		"dlq_list":     func(c *console) { c.deadLetterLines([]resource.DeadLetter{letter(), letter()}, true) },
		"dlq_show":     func(c *console) { c.deadLetter(here(), letterDetail()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			con, out, _ := testConsole(80)
			show(con)
			golden(t, name, out.String())

			narrow, out, _ := testConsole(40)
			show(narrow)
			golden(t, name+"_narrow", out.String())
		})
	}
}

func threeClusters() clusters.Status {
	left, none, bridges := int64(12), int64(0), 2
	return clusters.Status{
		Active: clusters.Primary, Version: 3, SwitchedAt: time.Date(2026, 11, 22, 11, 58, 0, 0, time.UTC), By: "ann", Reason: "it is back",
		Places: []clusters.Place{
			{Name: clusters.Primary, Brokers: []string{"b:9092"}, Active: true, Reachable: true, Topic: true, Lag: &none, Members: &bridges, Drained: true},
			{Name: clusters.Standby, Brokers: []string{"c:9092"}, Reachable: true, Topic: true, Error: "reading the lag of the bridges: no coordinator"},
		},
		Former: &clusters.Place{Name: "main", Brokers: []string{"a:9092"}, Main: true, Reachable: true, Topic: true, Lag: &left, Members: new(int)},
	}
}

func rampingVersions() versions.Deployment {
	at := time.Date(2026, 11, 22, 11, 58, 0, 0, time.Local)
	queues := []versions.Queue{
		{Name: "orak-convert", Tasks: "activity", Pollers: 2}, {Name: "orak-gpu", Tasks: "activity", Pollers: 1},
		{Name: "orak-pipeline", Tasks: "activity", Pollers: 2}, {Name: "orak-pipeline", Tasks: "workflow", Pollers: 2},
	}
	return versions.Deployment{Name: "orak", ChangedBy: "kafka/ops (ann)", Versions: []versions.Version{
		{Build: "v1.4.0", Status: versions.StatusCurrent, Percent: 90, Since: at.Add(-72 * time.Hour), Open: 1204, Queues: queues},
		{Build: "v1.5.0", Status: versions.StatusRamping, Percent: 10, Since: at, Open: 1, Queues: queues},
		{Build: "v1.3.2", Status: versions.StatusDrained, Since: at.Add(-70 * time.Hour), Queues: []versions.Queue{{Name: "orak-gpu", Tasks: "activity"}}},
		{Status: versions.StatusInactive},
	}}
}

func listedUpload() resource.ListedUpload {
	u := upload(orak.StatusCompleted)
	u.Filename, u.Owner, u.CreatedAt = "노래 한 곡.m4a", "user-7", time.Date(2026, 11, 22, 11, 58, 0, 0, time.Local)
	return resource.ListedUpload{Upload: u, Voice: &resource.Voice{
		DurationS: 83.4, Key: orak.Key{Tonic: "F#", Mode: "minor"}, TempoBPM: 92, LowHz: 131, HighHz: 523, LowNote: "C3", HighNote: "C5",
	}}
}

func fitting() resource.FittingSongs {
	return resource.FittingSongs{
		ID: testID, Ranked: 43, Waiting: 1,
		Songs: []resource.FittingSong{
			{
				Song:  resource.Song{ID: "orak.arirang", Title: "Arirang [아리랑]", Low: "D4", High: "D5", Key: "G major", TempoBPM: 60, Shipped: true},
				Score: 1, Reason: "fits as written; its highest note is 3 below yours, its lowest 2 above",
			},
			{
				Song:          resource.Song{ID: "orak.ode-to-joy", Title: "Ode to Joy [환희의 송가]", Artist: "Ludwig van Beethoven (1770-1827)", Low: "A3", High: "A4", Key: "D major"},
				Transposition: -2, Octaves: -1, Score: 0.98, Reason: "fits 2 semitones down, an octave lower than written; its highest note is 3 below yours, its lowest 4 above",
			},
		},
	}
}

func TestResultFitsTheTerminal(t *testing.T) {
	t.Parallel()
	for columns := 40; columns <= 120; columns++ {
		con, out, _ := testConsole(columns)
		con.result(analysis())
		for line := range strings.Lines(out.String()) {
			require.LessOrEqual(t, terminal.Width(strings.TrimSuffix(line, "\n")), columns, line)
		}
	}
}

// stages feeds a view with the states of an upload.
func stages(v *stageView) {
	share := 0.5
	for _, u := range []resource.Upload{
		upload(orak.StatusQueued),
		{ID: testID, Status: orak.StatusConverting, Stage: orak.StageConvert, Attempt: 1},
		{ID: testID, Status: orak.StatusAnalyzing, Stage: orak.StageAnalyze, Attempt: 2, StageProgress: &share},
	} {
		v.changed(u)
	}
}

func TestStagesAreLinesWithoutATerminal(t *testing.T) {
	t.Parallel()
	con, _, err := testConsole(80)
	view := newStageView(con, "memo.m4a")
	stages(view)
	view.changed(upload(orak.StatusCompleted))
	view.line.Close()
	require.Equal(t, "memo.m4a: queued\nmemo.m4a: converting\nmemo.m4a: analyzing (attempt 2, 50 %)\n", err.String())
}

func TestStagesMoveOnATerminalAndFitItsWidth(t *testing.T) {
	t.Parallel()
	for _, columns := range []int{20, 40, 80} {
		con, _, err := testConsole(columns)
		con.Live = true
		view := newStageView(con, "memo.m4a")
		stages(view)
		view.unreachable(&client.Unreachable{Server: "s", Refused: true})
		view.unreachable(&client.Unreachable{Server: "s", Refused: true})
		view.found()
		view.found()
		view.changed(upload(orak.StatusCompleted))
		view.line.Close()

		drawn := err.String()
		require.Contains(t, drawn, "✓ convert")
		require.Contains(t, drawn, "✓ publish")
		require.Equal(t, 1, strings.Count(drawn, "does not answer"))
		require.Equal(t, 1, strings.Count(drawn, "answers again"))
		for _, frame := range strings.Split(drawn, "\r\x1b[K") {
			if !strings.Contains(frame, "\n") {
				require.Less(t, terminal.Width(frame), columns, "%q", frame)
			}
		}
		require.NotContains(t, strings.ReplaceAll(drawn, "\x1b[K", ""), "\x1b", "colors only where they are wanted")
	}
}

func TestFailedStageIsMarked(t *testing.T) {
	t.Parallel()
	con, _, err := testConsole(80)
	con.Live = true
	view := newStageView(con, "memo.m4a")
	stages(view)
	view.changed(deadLettered())
	view.line.Close()
	require.Contains(t, err.String(), "✗ analyze")
}

func TestOutputNeverHasControlCharacters(t *testing.T) {
	t.Parallel()
	evil := "a\x1b]0;x\x07\x1b[31m\u009b31m\r\n\t\u202eb\x7f\xff\u2028z"
	con, out, _ := testConsole(80)
	require.NoError(t, con.Value(map[string]string{"a": evil}))
	require.NotContains(t, out.String(), "\x1b")
	require.NotContains(t, out.String(), "\u009b")
	require.NotContains(t, out.String(), "\u202e")
	require.Contains(t, out.String(), `\u009b31m`)

	d := letter()
	d.Filename, d.Failure.Message, d.WebUI, d.WorkflowID, d.RunID = evil, evil, evil, evil, evil
	d.Failure.Stage, d.Failure.Class, d.Tenant, d.ID = orak.Stage(evil), orak.Class(evil), orak.Tenant(evil), orak.UploadID(evil)
	a := analysis()
	a.Key.Tonic, a.Pitch.LowNote, a.Engine.Name, a.Audio.Codec, a.Audio.Damage = evil, evil, evil, evil, []orak.Damage{orak.Damage(evil)}
	u := deadLettered()
	u.Status, u.Failure.Message, u.ID = orak.Status(evil), evil, orak.UploadID(evil)

	out.Reset()
	con.deadLetterLine(d)
	con.deadLetter(here(), resource.DeadLetterDetail{
		DeadLetter: d, First: &orak.Failure{Stage: orak.Stage(evil), Class: orak.Class(evil), Message: evil},
		Timeline: []orak.Mark{
			{Kind: orak.MarkAttemptFailed, Stage: orak.Stage(evil), Class: orak.Class(evil), Message: evil},
			{Kind: orak.MarkKind(evil), By: evil, Reason: evil},
		},
		Event:    &resource.Event{Topic: evil, Key: evil, Value: evil, Headers: []resource.EventHeader{{Key: evil, Value: evil}}},
		Commands: resource.Commands{Reprocess: resource.Command{Temporal: evil, Tctl: evil}},
	})
	b := &bulk{decision: &decision{}, con: con, pace: rate.NewLimiter(rate.Inf, 1), result: bulkResult{Refused: map[string]int{evil: 1}}}
	b.plan.add(d)
	require.NoError(t, con.showBulkPlan(b))
	require.Error(t, con.showBulkResult(b, true))
	con.result(a)
	con.ending(here(), u, evil)
	con.status(here(), u)
	for _, line := range con.lines(&client.Error{Problem: resource.Problem{Title: evil, Detail: evil, Instance: evil, Accepted: []string{evil}}}) {
		con.Print("%s", line)
	}
	for _, r := range strings.ReplaceAll(out.String(), "\n", "") {
		require.True(t, r >= 0x20 && r != 0x7f && (r < 0x80 || r > 0x9f) && r != 0x202e && r != 0x2028, "%U in %q", r, out.String())
	}
}

func TestPrintedCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	r := remote{Config: client.Config{Server: "https://a.example", Tenant: "choir"}}
	require.Equal(t, "orak status X --server https://a.example --tenant choir", r.command("status", "X"))
	r.repeat = func(name string) bool { return name == "tenant" }
	require.Equal(t, "orak status X --tenant choir", r.command("status", "X"))
	require.Equal(t, `'it'\''s $(x)'`, shellQuote("it's $(x)"))
	require.Equal(t, "orak status X", here().command("status", "X"))
}

func TestSpansAndLengthsAreNamed(t *testing.T) {
	t.Parallel()
	require.Equal(t, "1 octave", span(110, 220))
	require.Equal(t, "1 semitone", span(110, 116.54))
	require.Equal(t, "2 octaves 3 semitones", span(110, 110*4*1.189207))
	require.Equal(t, "1:00.0", length(59.96))
	require.Equal(t, "1:02:03.0", length(3723))
}
