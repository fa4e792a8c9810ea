package temporal

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/proto"

	"orak/internal/secure"
)

// The metadata of an encrypted payload. The names are those of Temporal's own samples.
const (
	metaEncoding = converter.MetadataEncoding
	metaKeyID    = "encryption-key-id"
	encrypted    = "binary/encrypted"
)

const (
	keyBytes = 32
	// saltBytes makes the key of one payload. A random nonce of 12 bytes under one key
	// would be safe for 2^32 payloads, which are some weeks of a large deployment.
	saltBytes  = 16
	nonceBytes = 12
)

// keyID has characters that need no escaping in logs and settings.
var keyID = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// noKey in place of the first key means that nothing is encrypted yet, or any more: what
// was encrypted is decrypted with the keys that follow.
const noKey = "none"

// keys are those of Config.CodecKeys.
type keys struct {
	// first is the id of the key that encrypts, or noKey; "" without any key.
	first string
	byID  map[string][]byte
}

// parseKeys reads keys, each as ID=BASE64 of 32 bytes, separated by commas or white space.
// The first may be noKey. None is no error. An error does not show a key.
func parseKeys(list []string) (keys, error) {
	k := keys{byID: map[string][]byte{}}
	for _, entry := range strings.Fields(strings.Join(list, " ")) {
		if entry == noKey && k.first == "" {
			k.first = noKey
			continue
		}
		id, text, _ := strings.Cut(entry, "=")
		secret, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(secret) != keyBytes || !keyID.MatchString(id) {
			return keys{}, fmt.Errorf("key %d: want ID=BASE64 of %d random bytes; an id has letters, digits, dots, dashes and underscores", len(k.byID)+1, keyBytes)
		}
		if _, twice := k.byID[id]; twice {
			return keys{}, fmt.Errorf("key %q is given twice", id)
		}
		if k.first == "" {
			k.first = id
		}
		k.byID[id] = secret
	}
	if k.first == noKey && len(k.byID) == 0 {
		return keys{}, errors.New("want a key after none")
	}
	return k, nil
}

// DataConverter returns the data converter of every client with these settings. Code that
// decodes a payload without a client must use it.
func (c Config) DataConverter() converter.DataConverter {
	codec := c.Codec()
	if codec == nil {
		return patient{DataConverter: converter.GetDefaultDataConverter()}
	}
	return patient{DataConverter: converter.NewCodecDataConverter(converter.GetDefaultDataConverter(), codec)}
}

// patient is a data converter with which a workflow waits for a worker that has its keys.
// The SDK would fail a workflow whose input it cannot read; the task of one that panics is
// repeated, by this worker or by another.
type patient struct {
	converter.DataConverter
	inWorkflow bool
}

var _ workflow.ContextAware = patient{}

// WithWorkflowContext implements workflow.ContextAware.
func (p patient) WithWorkflowContext(workflow.Context) converter.DataConverter {
	return patient{DataConverter: p.DataConverter, inWorkflow: true}
}

// WithContext implements workflow.ContextAware.
func (p patient) WithContext(context.Context) converter.DataConverter { return p }

// FromPayload implements converter.DataConverter.
func (p patient) FromPayload(payload *common.Payload, target any) error {
	err := p.DataConverter.FromPayload(payload, target)
	p.wait(err, payload)
	return err
}

// FromPayloads implements converter.DataConverter.
func (p patient) FromPayloads(payloads *common.Payloads, targets ...any) error {
	err := p.DataConverter.FromPayloads(payloads, targets...)
	p.wait(err, payloads.GetPayloads()...)
	return err
}

// wait panics in a workflow if what could not be read is encrypted.
func (p patient) wait(err error, payloads ...*common.Payload) {
	if err != nil && p.inWorkflow && slices.ContainsFunc(payloads, isEncrypted) {
		panic(fmt.Sprintf("this worker lacks a key in %scodec-keys: %v", prefix, err))
	}
}

// Codec returns what encrypts and decrypts payloads, or nil if no key is set. With invalid
// keys, which Validate reports, it refuses everything.
func (c Config) Codec() converter.PayloadCodec {
	k, err := parseKeys(c.CodecKeys)
	switch {
	case err != nil:
		return unusable{&secure.WrongSetting{Name: prefix + "codec-keys", Reason: "cannot be used", Err: err}}
	case k.first == "":
		return nil
	default:
		return codec{k}
	}
}

// codec encrypts with AES-256-GCM, each payload with a key of its own that is derived from
// the first of the keys and a random salt; not at all where that is noKey.
type codec struct{ keys keys }

var _ converter.PayloadCodec = codec{}

// Encode implements converter.PayloadCodec. What is encrypted already stays as it is.
func (c codec) Encode(payloads []*common.Payload) ([]*common.Payload, error) {
	if c.keys.first == noKey {
		return payloads, nil
	}
	out := slices.Clone(payloads)
	for i, p := range payloads {
		if isEncrypted(p) {
			continue
		}
		var err error
		if out[i], err = c.encrypt(p); err != nil {
			return nil, fmt.Errorf("encrypting a payload: %w", err)
		}
	}
	return out, nil
}

// Decode implements converter.PayloadCodec. Payloads that are not encrypted stay as they
// are: those from before there were keys.
func (c codec) Decode(payloads []*common.Payload) ([]*common.Payload, error) {
	out := slices.Clone(payloads)
	for i, p := range payloads {
		if !isEncrypted(p) {
			continue
		}
		var err error
		if out[i], err = c.decrypt(p); err != nil {
			return nil, fmt.Errorf("decrypting a payload: %w", err)
		}
	}
	return out, nil
}

func isEncrypted(p *common.Payload) bool { return string(p.GetMetadata()[metaEncoding]) == encrypted }

func (c codec) encrypt(p *common.Payload) (*common.Payload, error) {
	plain, err := proto.Marshal(p)
	if err != nil {
		return nil, err
	}
	id := c.keys.first
	sealed := make([]byte, saltBytes, saltBytes+len(plain)+16)
	rand.Read(sealed) // never fails
	aead, nonce, err := derive(c.keys.byID[id], sealed)
	if err != nil {
		return nil, err
	}
	return &common.Payload{
		Metadata: map[string][]byte{metaEncoding: []byte(encrypted), metaKeyID: []byte(id)},
		Data:     aead.Seal(sealed, nonce, plain, boundTo(id)),
	}, nil
}

// errDamaged does not tell a wrong key from changed data: GCM cannot.
var errDamaged = errors.New("its data was changed, or is of another key of that id")

func (c codec) decrypt(p *common.Payload) (*common.Payload, error) {
	id := string(p.GetMetadata()[metaKeyID])
	key, known := c.keys.byID[id]
	if !known {
		return nil, &secure.WrongSetting{Name: prefix + "codec-keys", Reason: fmt.Sprintf("there is no key %.64q, which it was encrypted with", id)}
	}
	if len(p.GetData()) < saltBytes {
		return nil, errDamaged
	}
	salt, rest := p.GetData()[:saltBytes], p.GetData()[saltBytes:]
	aead, nonce, err := derive(key, salt)
	if err != nil {
		return nil, err
	}
	plain, err := aead.Open(nil, nonce, rest, boundTo(id))
	if err != nil {
		return nil, errDamaged
	}
	out := new(common.Payload)
	if err := proto.Unmarshal(plain, out); err != nil {
		return nil, errDamaged
	}
	return out, nil
}

// boundTo is authenticated with the payload: one of another key's id, or of another form,
// does not decrypt.
func boundTo(id string) []byte { return []byte("orak payload 1\x00" + encrypted + "\x00" + id) }

// derive makes the key and the nonce of one payload.
func derive(key, salt []byte) (cipher.AEAD, []byte, error) {
	made, err := hkdf.Key(sha256.New, key, salt, "orak payload 1", keyBytes+nonceBytes)
	if err != nil {
		return nil, nil, err
	}
	block, err := aes.NewCipher(made[:keyBytes])
	if err != nil {
		return nil, nil, err
	}
	aead, err := cipher.NewGCM(block)
	return aead, made[keyBytes:], err
}

// unusable refuses everything, so that nothing is sent in clear by mistake.
type unusable struct{ err error }

var _ converter.PayloadCodec = unusable{}

// Encode implements converter.PayloadCodec.
func (u unusable) Encode([]*common.Payload) ([]*common.Payload, error) { return nil, u.err }

// Decode implements converter.PayloadCodec.
func (u unusable) Decode([]*common.Payload) ([]*common.Payload, error) { return nil, u.err }
