package analysis

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"orak"
)

// The only input format, which is the one that conversion writes.
const (
	sampleRate     = 16000
	bytesPerSample = 2
)

const (
	wavFormatPCM        = 0x0001
	wavFormatExtensible = 0xFFFE
	// maxHeader bounds the bytes before the data chunk: conversion writes well under
	// 1 KiB, and a hostile size must not be skipped forever.
	maxHeader = 1 << 20
)

// wavReader streams the samples of a 16 kHz, mono, 16-bit PCM WAV.
type wavReader struct {
	r *bufio.Reader
	// total is the number of samples in the header; -1 for unknown (a streamed header
	// that was never patched).
	total int64
	read  int64
	raw   []byte
}

// openWAV reads up to the first sample. The WAV is from the converter, so a wrong header
// is ClassInternal. An error of the reader is returned wrapped, with its class.
func openWAV(r io.Reader) (*wavReader, error) {
	w := &wavReader{r: bufio.NewReaderSize(r, 1<<15)}
	var riff [12]byte
	if err := w.header(riff[:]); err != nil {
		return nil, err
	}
	if string(riff[0:4]) != "RIFF" || string(riff[8:12]) != "WAVE" {
		return nil, malformed(errors.New("not a RIFF WAVE file"))
	}
	haveFormat := false
	for skipped := int64(0); ; {
		id, size, err := w.chunk()
		if err != nil {
			return nil, err
		}
		switch id {
		case "fmt ":
			if err := w.format(size); err != nil {
				return nil, err
			}
			haveFormat = true
		case "data":
			if !haveFormat {
				return nil, malformed(errors.New("data before fmt"))
			}
			w.total = promised(size)
			return w, nil
		default:
			if skipped += size + size%2; skipped > maxHeader {
				return nil, malformed(fmt.Errorf("%d bytes before the data", skipped))
			}
			if _, err := w.r.Discard(int(size + size%2)); err != nil {
				return nil, w.headerError(err)
			}
		}
	}
}

// promised returns the number of samples in a data chunk of size bytes. A writer that
// cannot seek back writes the largest size.
func promised(size int64) int64 {
	if size >= math.MaxUint32-1 {
		return -1
	}
	return size / bytesPerSample
}

func (w *wavReader) chunk() (id string, size int64, err error) {
	var head [8]byte
	if err := w.header(head[:]); err != nil {
		return "", 0, err
	}
	return string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:])), nil
}

func (w *wavReader) format(size int64) error {
	if size < 16 || size > 4096 {
		return malformed(fmt.Errorf("fmt chunk of %d bytes", size))
	}
	body := make([]byte, size+size%2)
	if err := w.header(body); err != nil {
		return err
	}
	le := binary.LittleEndian
	format := le.Uint16(body)
	if format == wavFormatExtensible && size >= 26 {
		format = le.Uint16(body[24:]) // the sub-format's first two bytes
	}
	channels, rate, bits := le.Uint16(body[2:]), le.Uint32(body[4:]), le.Uint16(body[14:])
	if format != wavFormatPCM || channels != 1 || rate != sampleRate || bits != 8*bytesPerSample {
		return malformed(fmt.Errorf("format %#x, %d channels, %d Hz, %d bits: want PCM, 1, %d Hz, 16",
			format, channels, rate, bits, sampleRate))
	}
	return nil
}

func (w *wavReader) header(b []byte) error {
	_, err := io.ReadFull(w.r, b)
	return w.headerError(err)
}

func (w *wavReader) headerError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return malformed(fmt.Errorf("the header ends early: %w", io.ErrUnexpectedEOF))
	default:
		return fmt.Errorf("reading wav header: %w", err)
	}
}

// next fills dst with samples, whose full scale is 1, and returns how many. It returns
// 0, io.EOF after the last one. Data that ends early was cut off in transit, so that a
// later attempt may succeed: ClassTransient.
func (w *wavReader) next(dst []float64) (int, error) {
	want := int64(len(dst))
	if w.total >= 0 {
		want = min(want, w.total-w.read)
	}
	if want == 0 {
		return 0, io.EOF
	}
	if need := int(want) * bytesPerSample; cap(w.raw) < need {
		w.raw = make([]byte, need)
	}
	raw := w.raw[:want*bytesPerSample]
	got, err := io.ReadFull(w.r, raw)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, fmt.Errorf("reading wav samples: %w", err)
	}
	n := got / bytesPerSample
	if int64(n) < want && w.total >= 0 {
		return 0, &orak.Fault{
			Class:   orak.ClassTransient,
			Message: "The converted recording could not be read to its end.",
			Err:     fmt.Errorf("reading wav samples: %d of %d: %w", w.read+int64(n), w.total, io.ErrUnexpectedEOF),
		}
	}
	if n == 0 {
		return 0, io.EOF
	}
	for i := range n {
		dst[i] = float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	w.read += int64(n)
	return n, nil
}

// done returns the share that was read, 0 to 1; 0 while the length is unknown.
func (w *wavReader) done() float64 {
	if w.total <= 0 {
		return 0
	}
	return float64(w.read) / float64(w.total)
}

func malformed(err error) error {
	return &orak.Fault{
		Class:   orak.ClassInternal,
		Message: "The converted recording is not the WAV that the analysis takes.",
		Err:     fmt.Errorf("reading wav header: %w", err),
	}
}
