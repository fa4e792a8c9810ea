package stack

import (
	"encoding/binary"
	"math/rand/v2"
)

// Recording is a WAV of noise, size bytes long (46 at least): sound enough to be accepted,
// and incompressible so that nothing on the way can cheat.
func Recording(size int) []byte {
	const header = 44
	b := make([]byte, max(size, header+2))
	copy(b, "RIFF")
	binary.LittleEndian.PutUint32(b[4:], uint32(len(b)-8))
	copy(b[8:], "WAVEfmt ")
	binary.LittleEndian.PutUint32(b[16:], 16)
	binary.LittleEndian.PutUint16(b[20:], 1)
	binary.LittleEndian.PutUint16(b[22:], 1)
	binary.LittleEndian.PutUint32(b[24:], 16000)
	binary.LittleEndian.PutUint32(b[28:], 32000)
	binary.LittleEndian.PutUint16(b[32:], 2)
	binary.LittleEndian.PutUint16(b[34:], 16)
	copy(b[36:], "data")
	binary.LittleEndian.PutUint32(b[40:], uint32(len(b)-header))
	noise := rand.New(rand.NewPCG(1, 2))
	for i := header; i+1 < len(b); i += 2 {
		binary.LittleEndian.PutUint16(b[i:], uint16(noise.Uint32()))
	}
	return b
}
