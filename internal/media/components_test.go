package media

import (
	"bufio"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// components reads deploy/ffmpeg/components.txt: the parts of the audio-only build
// of ffmpeg, by their kind.
func components(t *testing.T) map[string][]string {
	t.Helper()
	file, err := os.Open("../../deploy/ffmpeg/components.txt")
	require.NoError(t, err)
	defer file.Close()
	found := map[string][]string{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		line := lines.Text()
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		kind, name, ok := strings.Cut(line, " ")
		require.True(t, ok, line)
		require.NotContains(t, found[kind], name)
		found[kind] = append(found[kind], name)
	}
	require.NoError(t, lines.Err())
	return found
}

// formats lists the accepted formats.
func formats() []Format {
	return []Format{
		formatWebM, formatMatroska, formatOggOpus, formatOggVorbis, formatOggSpeex, formatOggFLAC, formatM4A, formatMP4, formatMOV,
		formatADTS, formatAMR, format3GP, formatMP3, formatFLAC, formatWAV, formatW64, formatAIFF, formatCAF,
	}
}

// usedFilters returns the filters that the arguments of this package name, and
// those that the ffmpeg program inserts.
func usedFilters() []string {
	names := []string{"aformat", "anull", "atrim"}
	chains := []string{surveyFilter, selection{ordinary, allChannels}.filters()}
	for channels := 1; channels <= maxChannels; channels++ {
		for _, layout := range []string{"", "named"} {
			chains = append(chains, selection{stream{channels: channels, layout: layout}, allChannels}.filters())
		}
	}
	quoted := regexp.MustCompile(`'[^']*'`)
	for _, chain := range chains {
		for _, filter := range strings.Split(quoted.ReplaceAllString(chain, ""), ",") {
			name, _, _ := strings.Cut(filter, "=")
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestComponentsAreWhatConversionsUse(t *testing.T) {
	t.Parallel()
	have := components(t)

	demuxers := []string{"dts", "spdif"}
	for _, f := range formats() {
		demuxers = append(demuxers, f.demuxer)
	}
	slices.Sort(demuxers)
	require.ElementsMatch(t, slices.Compact(demuxers), have["demuxer"])

	allowed := []string{}
	for codec, names := range decoders() {
		built := slices.DeleteFunc(slices.Clone(names), func(name string) bool { return !slices.Contains(have["decoder"], name) })
		require.Len(t, built, 1, "%s has one decoder", codec)
		allowed = append(allowed, names...)
	}
	require.Subset(t, allowed, have["decoder"], "only decoders on the whitelist")

	require.Equal(t, usedFilters(), have["filter"])
	whole, tagged := source{format: formatMP3}, source{format: formatMP3, end: 1}
	protocols := append(strings.Split(whole.protocols()+","+tagged.protocols(), ","), "pipe")
	slices.Sort(protocols)
	require.Equal(t, slices.Compact(protocols), have["protocol"])
	require.Equal(t, []string{"framecrc", "null", "wav"}, have["muxer"])
	require.Equal(t, []string{"pcm_s16le"}, have["encoder"])
}
