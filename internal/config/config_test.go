package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"orak/internal/config"
)

// broker is the Config of a package, for example.
type broker struct {
	Brokers []string      `help:"Addresses to begin with." default:"127.0.0.1:9092"`
	Timeout time.Duration `help:"How long to wait." default:"10s"`
	Retries int           `help:"How often." default:"3"`
	Verbose bool          `help:"Say more."`
	Ratio   float64       `help:"A share." default:"0.5"`
	Mode    string        `help:"The mode." enum:"fast,safe" default:"safe"`
	Group   string        `help:"The group."`
	Labels  map[string]string
}

func (b broker) Validate() error {
	if b.Retries < 0 {
		return errors.New("retries: must not be negative")
	}
	return nil
}

type store struct {
	SecretKey string `help:"The key." secret:""`
}

type settings struct {
	Kafka broker `embed:"" prefix:"kafka-"`
	S3    store  `embed:"" prefix:"s3-"`
	Once  bool   `help:"For this call." env:"-"`
}

func load(t *testing.T, args []string, env []string) (settings, *config.Loaded, []string, error) {
	t.Helper()
	var s settings
	warnings := []string{}
	if env == nil {
		env = []string{}
	}
	loaded, err := config.Load(args, &s, config.Options{
		Name: "orak", Environ: env, Stdout: new(bytes.Buffer),
		Warn: func(text string) { warnings = append(warnings, text) },
	})
	return s, loaded, warnings, err
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "orak.yaml")
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

func TestDefaultsFillEverySetting(t *testing.T) {
	t.Parallel()
	var s settings
	require.NoError(t, config.Defaults(&s))
	require.Equal(t, []string{"127.0.0.1:9092"}, s.Kafka.Brokers)
	require.Equal(t, 10*time.Second, s.Kafka.Timeout)
	require.Equal(t, "safe", s.Kafka.Mode)
}

func TestFlagBeatsEnvironmentBeatsFileBeatsDefault(t *testing.T) {
	t.Parallel()
	path := file(t, "kafka: {retries: 5}\n")
	env := []string{"ORAK_KAFKA_RETRIES=6"}

	s, _, _, err := load(t, nil, nil)
	require.NoError(t, err)
	require.Equal(t, 3, s.Kafka.Retries)

	s, loaded, _, err := load(t, []string{"--config", path}, nil)
	require.NoError(t, err)
	require.Equal(t, 5, s.Kafka.Retries)
	require.Equal(t, path, loaded.File)

	s, _, _, err = load(t, []string{"--config", path}, env)
	require.NoError(t, err)
	require.Equal(t, 6, s.Kafka.Retries)

	s, _, _, err = load(t, []string{"--config", path, "--kafka-retries=7"}, env)
	require.NoError(t, err)
	require.Equal(t, 7, s.Kafka.Retries)
}

func TestEnvironmentNamesTheFile(t *testing.T) {
	t.Parallel()
	s, _, warnings, err := load(t, nil, []string{"ORAK_CONFIG=" + file(t, "kafka: {retries: 5}\n")})
	require.NoError(t, err)
	require.Empty(t, warnings)
	require.Equal(t, 5, s.Kafka.Retries)
}

func TestFileSetsEveryKindOfValue(t *testing.T) {
	t.Parallel()
	path := file(t, `
kafka:
  brokers: ["a:1", "b,c:2"]
  timeout: 1m30s
  retries: 1_000
  verbose: true
  ratio: 1
  mode: fast
  group: "on"
  labels: {a: b}
s3-secret-key: hush
`)
	s, _, _, err := load(t, []string{"--config", path}, nil)
	require.NoError(t, err)
	require.Equal(t, settings{
		Kafka: broker{
			Brokers: []string{"a:1", "b,c:2"}, Timeout: 90 * time.Second, Retries: 1000, Verbose: true,
			Ratio: 1, Mode: "fast", Group: "on", Labels: map[string]string{"a": "b"},
		},
		S3: store{SecretKey: "hush"},
	}, s)
}

func TestFileIsReadStrictly(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":        {"kafka:\n  brokes: [a]\n", `:2: there is no setting "kafka.brokes"; did you mean "kafka.brokers"?`},
		"unknown group":      {"kafak: {group: a}\n", `there is no setting "kafak.group"; did you mean "kafka.group"?`},
		"nothing near":       {"zzzzzzzzzzzzzzzz: 1\n", `there is no setting "zzzzzzzzzzzzzzzz"`},
		"flag of one call":   {"once: true\n", `there is no setting "once"`},
		"the file itself":    {"config: other.yaml\n", `there is no setting "config"`},
		"text for number":    {"kafka: {retries: many}\n", `"kafka.retries": want a whole number, have a string`},
		"fraction for whole": {"kafka: {retries: 1.5}\n", `want a whole number`},
		"number for text":    {"kafka: {group: 7}\n", `"kafka.group": want a string (in quotes`},
		"bare duration":      {"kafka: {timeout: 30}\n", `want a duration such as "30s", have a number`},
		"bad duration":       {"kafka: {timeout: soon}\n", `orak.yaml:1: expected duration`},
		"text for bool":      {"kafka: {verbose: 'true'}\n", `want true or false, have a string`},
		"scalar for list":    {"kafka: {brokers: a}\n", `want a list, have a string`},
		"null":               {"kafka: {group: }\n", `want a string (in quotes, if it looks like something else), have nothing`},
		"unknown, empty":     {"kafak:\n", `there is no setting "kafak"`},
		"not in the enum":    {"kafka: {mode: quick}\n", `--kafka-mode must be one of`},
		"twice":              {"kafka: {group: a}\nkafka-group: b\n", `:2: "kafka.group" is set here and in line 1`},
		"twice the same key": {"kafka: {group: a}\nkafka: {group: b}\n", `is set here and in line 1`},
		"not a mapping":      {"- a\n", `not a mapping`},
		"two documents":      {"kafka: {group: a}\n---\nkafka: {group: b}\n", `more than one document`},
		"not YAML":           {"kafka: [\n", `reading the configuration file`},
		"invalid":            {"kafka: {retries: -1}\n", `must not be negative`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, _, err := load(t, []string{"--config", file(t, c.text)}, nil)
			require.ErrorContains(t, err, c.want)
		})
	}
}

func TestFileErrorsComeAllAtOnce(t *testing.T) {
	t.Parallel()
	_, _, _, err := load(t, []string{"--config", file(t, "a: 1\nb: 2\n")}, nil)
	require.ErrorContains(t, err, `"a"`)
	require.ErrorContains(t, err, `"b"`)
}

func TestEmptyFileAndMissingFile(t *testing.T) {
	t.Parallel()
	_, _, _, err := load(t, []string{"--config", file(t, "# nothing\n")}, nil)
	require.NoError(t, err)
	_, _, _, err = load(t, []string{"--config", file(t, "kafka:\n  # group: a\ns3: {}\n")}, nil)
	require.NoError(t, err)
	_, _, _, err = load(t, []string{"--config", "/nowhere/orak.yaml"}, nil)
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestSecretIsRefusedAsArgumentAndNotRepeated(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"--s3-secret-key=hunter2"}, {"--s3-secret-key", "hunter2"}} {
		_, _, _, err := load(t, args, nil)
		require.ErrorContains(t, err, "ORAK_S3_SECRET_KEY")
		require.ErrorContains(t, err, "ORAK_S3_SECRET_KEY_FILE")
		require.NotContains(t, err.Error(), "hunter2")
	}
}

func TestFileOfPrivateSecretIsReadByNobodyElse(t *testing.T) {
	t.Parallel()
	var target struct {
		Keys []string `secret:"private"`
	}
	path := filepath.Join(t.TempDir(), "keys")
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o440: false, 0o644: true, 0o604: true, 0o660: true} {
		require.NoError(t, os.WriteFile(path, []byte("a"), 0o600))
		require.NoError(t, os.Chmod(path, mode))
		_, err := config.Load(nil, &target, config.Options{Environ: []string{"ORAK_KEYS_FILE=" + path}})
		if refused {
			require.ErrorContains(t, err, "ORAK_KEYS_FILE", "%o", mode)
			continue
		}
		require.NoError(t, err, "%o", mode)
		require.Equal(t, []string{"a"}, target.Keys)
	}
}

func TestSecretComesFromEnvironmentOrItsFile(t *testing.T) {
	t.Parallel()
	s, _, warnings, err := load(t, nil, []string{"ORAK_S3_SECRET_KEY=hush"})
	require.NoError(t, err)
	require.Equal(t, "hush", s.S3.SecretKey)
	require.Empty(t, warnings)

	path := file(t, "hush from a file\n")
	s, _, warnings, err = load(t, nil, []string{"ORAK_S3_SECRET_KEY_FILE=" + path})
	require.NoError(t, err)
	require.Equal(t, "hush from a file", s.S3.SecretKey)
	require.Empty(t, warnings)

	_, _, _, err = load(t, nil, []string{"ORAK_S3_SECRET_KEY=a", "ORAK_S3_SECRET_KEY_FILE=" + path})
	require.ErrorContains(t, err, "keep one")
	_, _, _, err = load(t, nil, []string{"ORAK_S3_SECRET_KEY_FILE=/nowhere"})
	require.ErrorContains(t, err, "ORAK_S3_SECRET_KEY_FILE")
}

func TestMisspeltVariableWarnsWithTheNearestName(t *testing.T) {
	t.Parallel()
	_, _, warnings, err := load(t, nil, []string{
		"ORAK_KAFKA_BROKRES=a", "ORAK_ONCE=1", "ORAK_TEST_KAFKA=b", "HOME=/root", "ORAK_KAFKA_GROUP=a",
	})
	require.NoError(t, err)
	require.Len(t, warnings, 2)
	require.Contains(t, warnings[0], "ORAK_KAFKA_BROKRES")
	require.Contains(t, warnings[0], "did you mean ORAK_KAFKA_BROKERS?")
	require.Contains(t, warnings[1], "ORAK_ONCE")
}

func TestWrongVariableIsNamed(t *testing.T) {
	t.Parallel()
	_, _, _, err := load(t, nil, []string{"ORAK_KAFKA_RETRIES=many"})
	require.ErrorContains(t, err, "--kafka-retries: set by ORAK_KAFKA_RETRIES")
}

func TestEmptyVariableCountsAsNotSet(t *testing.T) {
	t.Parallel()
	s, _, _, err := load(t, nil, []string{"ORAK_KAFKA_RETRIES="})
	require.NoError(t, err)
	require.Equal(t, 3, s.Kafka.Retries)
}

func TestValidateOfEmbeddedStructsIsCalled(t *testing.T) {
	t.Parallel()
	_, _, _, err := load(t, []string{"--kafka-retries=-1"}, nil)
	require.EqualError(t, err, "settings kafka-…: retries: must not be negative")

	type role struct {
		All settings `embed:""`
	}
	_, err = config.Load([]string{"api", "--kafka-retries=-1"}, &struct {
		API    role `cmd:""`
		Worker role `cmd:""`
	}{}, config.Options{Name: "orak", Environ: []string{}})
	require.EqualError(t, err, "settings kafka-…: retries: must not be negative")
}

func TestValidateIsCalledInsideAnUnexportedStruct(t *testing.T) {
	t.Parallel()
	type hidden struct {
		Kafka broker `embed:"" prefix:"kafka-"`
	}
	type role struct{ hidden }
	target := &struct {
		API role `cmd:""`
	}{}
	_, err := config.Load([]string{"api", "--kafka-retries=-1"}, target, config.Options{Name: "orak", Environ: []string{}})
	require.EqualError(t, err, "settings kafka-…: retries: must not be negative")
}

func TestHelpIsNotAFailureAndNamesVariables(t *testing.T) {
	t.Parallel()
	var s settings
	var out bytes.Buffer
	_, err := config.Load([]string{"--help"}, &s, config.Options{Name: "orak", Environ: []string{}, Stdout: &out})
	require.ErrorIs(t, err, config.ErrHelp)
	require.Contains(t, out.String(), "$ORAK_KAFKA_BROKERS")
	require.Contains(t, out.String(), "$ORAK_S3_SECRET_KEY_FILE")
	require.NotContains(t, out.String(), "ORAK_ONCE")
}

func TestSettingsHaveValueAndSourceAndHideSecrets(t *testing.T) {
	t.Parallel()
	path := file(t, "kafka: {timeout: 5s}\n")
	_, loaded, _, err := load(t, []string{"--config", path, "--kafka-retries=7"},
		[]string{"ORAK_S3_SECRET_KEY=hush", "ORAK_KAFKA_GROUP=g"})
	require.NoError(t, err)

	got := map[string]config.Setting{}
	for _, s := range loaded.Settings() {
		got[s.Name] = s
	}
	require.Equal(t, config.Setting{
		Name: "kafka-retries", Env: "ORAK_KAFKA_RETRIES", Key: "kafka.retries", Value: 7, Source: config.SourceFlag,
	}, got["kafka-retries"])
	require.Equal(t, config.SourceEnv, got["kafka-group"].Source)
	require.Equal(t, config.SourceFile, got["kafka-timeout"].Source)
	require.Equal(t, "5s", got["kafka-timeout"].Value)
	require.Equal(t, config.SourceDefault, got["kafka-mode"].Source)
	require.Equal(t, config.Redacted, got["s3-secret-key"].Value)
	require.NotContains(t, got, "once")
}

func TestReferenceNamesEverySettingOnce(t *testing.T) {
	t.Parallel()
	type role struct {
		settings `embed:""`
	}
	text, err := config.Reference(&struct {
		API    role `cmd:""`
		Worker role `cmd:""`
	}{})
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count([]byte(text), []byte("| `--kafka-retries` | `ORAK_KAFKA_RETRIES` | `kafka.retries` | `3` | How often. |\n")))
	require.Contains(t, text, "| (secret) | `ORAK_S3_SECRET_KEY`, `ORAK_S3_SECRET_KEY_FILE` | `s3.secret-key` |  | The key. |")
	require.NotContains(t, text, "--once")
}
