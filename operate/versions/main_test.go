package versions_test

import (
	"testing"

	"orak/test/leaks"
)

func TestMain(m *testing.M) { leaks.Main(m) }
