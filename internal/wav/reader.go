// Package wav reads the converted recording: 16 kHz, mono, 16-bit PCM WAV.
package wav

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"orak"
)

// SampleRate is that of every converted recording, in Hz.
const SampleRate = 16000

const (
	bytesPerSample   = 2
	formatPCM        = 0x0001
	formatExtensible = 0xFFFE
	// maxHeader bounds the bytes before the data chunk: conversion writes well under
	// 1 KiB, and a hostile size must not be skipped forever.
	maxHeader = 1 << 20
)

// Reader streams the samples of a recording, once.
type Reader struct {
	r *bufio.Reader
	// total is the number of samples in the header; -1 for unknown (a streamed header
	// that was never patched).
	total int64
	read  int64
	raw   []byte
}

// Open reads up to the first sample. The WAV is from the converter, so a wrong header
// is ClassInternal. An error of the reader is returned wrapped, with its class.
func Open(r io.Reader) (*Reader, error) {
	w := &Reader{r: bufio.NewReaderSize(r, 1<<15)}
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

func (w *Reader) chunk() (id string, size int64, err error) {
	var head [8]byte
	if err := w.header(head[:]); err != nil {
		return "", 0, err
	}
	return string(head[:4]), int64(binary.LittleEndian.Uint32(head[4:])), nil
}

func (w *Reader) format(size int64) error {
	if size < 16 || size > 4096 {
		return malformed(fmt.Errorf("fmt chunk of %d bytes", size))
	}
	body := make([]byte, size+size%2)
	if err := w.header(body); err != nil {
		return err
	}
	le := binary.LittleEndian
	format := le.Uint16(body)
	if format == formatExtensible && size >= 26 {
		format = le.Uint16(body[24:]) // the sub-format's first two bytes
	}
	channels, rate, bits := le.Uint16(body[2:]), le.Uint32(body[4:]), le.Uint16(body[14:])
	if format != formatPCM || channels != 1 || rate != SampleRate || bits != 8*bytesPerSample {
		return malformed(fmt.Errorf("format %#x, %d channels, %d Hz, %d bits: want PCM, 1, %d Hz, 16",
			format, channels, rate, bits, SampleRate))
	}
	return nil
}

func (w *Reader) header(b []byte) error {
	_, err := io.ReadFull(w.r, b)
	return w.headerError(err)
}

func (w *Reader) headerError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return malformed(fmt.Errorf("the header ends early: %w", io.ErrUnexpectedEOF))
	default:
		return fmt.Errorf("reading wav header: %w", err)
	}
}

// Samples is the number of samples that the header promises; -1 if it does not say.
func (w *Reader) Samples() int64 { return w.total }

// Next fills dst with samples, whose full scale is 1, and returns how many. It returns
// 0, io.EOF after the last one. Data that ends early was cut off in transit, so that a
// later attempt may succeed: ClassTransient.
func (w *Reader) Next(dst []float64) (int, error) {
	raw, err := w.next(len(dst))
	for i := range len(raw) / bytesPerSample {
		dst[i] = float64(sample(raw, i)) / 32768
	}
	return len(raw) / bytesPerSample, err
}

// next returns up to most samples as they are in the file, valid until the next call.
// Its errors are those of Next.
func (w *Reader) next(most int) ([]byte, error) {
	want := int64(most)
	if w.total >= 0 {
		want = min(want, w.total-w.read)
	}
	if want == 0 {
		return nil, io.EOF
	}
	if need := int(want) * bytesPerSample; cap(w.raw) < need {
		w.raw = make([]byte, need)
	}
	raw := w.raw[:want*bytesPerSample]
	got, err := io.ReadFull(w.r, raw)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil, fmt.Errorf("reading wav samples: %w", err)
	}
	n := got / bytesPerSample
	if int64(n) < want && w.total >= 0 {
		return nil, &orak.Fault{
			Class:   orak.ClassTransient,
			Message: "The converted recording could not be read to its end.",
			Err:     fmt.Errorf("reading wav samples: %d of %d: %w", w.read+int64(n), w.total, io.ErrUnexpectedEOF),
		}
	}
	if n == 0 {
		return nil, io.EOF
	}
	w.read += int64(n)
	return raw[:n*bytesPerSample], nil
}

// sample returns sample i of raw.
func sample(raw []byte, i int) int16 {
	return int16(binary.LittleEndian.Uint16(raw[bytesPerSample*i:]))
}

// Done returns the share that was read, 0 to 1; 0 while the length is unknown.
func (w *Reader) Done() float64 {
	if w.total <= 0 {
		return 0
	}
	return float64(w.read) / float64(w.total)
}

func malformed(err error) error {
	return &orak.Fault{
		Class:   orak.ClassInternal,
		Message: "The converted recording is not a WAV of 16 kHz, mono, 16 bits.",
		Err:     fmt.Errorf("reading wav header: %w", err),
	}
}
