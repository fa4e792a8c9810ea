package app

import (
	"context"
	"errors"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"orak/internal/secure"
)

// A wrong setting may be a server's that starts, or a permission that takes time: what
// waits for a server tries again, unless the process is useless without it.
func TestWrongSettingEndsOnlyWhatIsToEndByIt(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		ends     bool
		attempts int
	}{"waits": {false, 3}, "ends": {true, 1}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			attempts, failed := 0, 0
			wrong := &secure.WrongSetting{Name: "s3-credentials", Reason: "is refused", Err: errors.New("denied")}
			err := prepare(t.Context(), slog.New(slog.DiscardHandler), preparation{
				name: "bucket", wrongEnds: test.ends, failed: func(error) { failed++ },
				run: func(context.Context) error {
					if attempts++; attempts < 3 {
						return wrong
					}
					return nil
				},
			})
			require.Equal(t, test.attempts, attempts)
			if test.ends {
				require.ErrorIs(t, err, wrong)
				return
			}
			require.NoError(t, err)
			require.Equal(t, 2, failed, "each attempt is reported")
		})
	}
}
