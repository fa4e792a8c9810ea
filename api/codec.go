package api

import (
	"net/http"

	"github.com/gofiber/fiber/v2"
	"go.temporal.io/api/common/v1"
	"google.golang.org/protobuf/encoding/protojson"
)

// The values of Config.Codec with which something is served.
const (
	codecDecode = "decode"
	codecBoth   = "both"
)

// maxCodec bounds the body of a request to /v1/codec, in bytes: a page of a history in
// base64.
const maxCodec = 8 << 20

// postDecode decrypts payloads for the Temporal Web UI and Temporal's command line. Those
// that are not encrypted are returned as they are.
func (s *Server) postDecode(c *fiber.Ctx) error {
	if s.cfg.Codec != codecDecode && s.cfg.Codec != codecBoth {
		return refuse(codeNotFound, "This server decrypts nothing. Operators turn it on with api-codec.")
	}
	return s.recode(c, func(payloads []*common.Payload) ([]*common.Payload, error) {
		if s.codec == nil {
			return payloads, nil
		}
		return s.codec.Decode(payloads)
	})
}

// postEncode encrypts payloads, for what a person sends by these tools.
func (s *Server) postEncode(c *fiber.Ctx) error {
	if s.cfg.Codec != codecBoth {
		return refuse(codeNotFound, "This server encrypts nothing for others. Operators turn it on with api-codec.")
	}
	return s.recode(c, func(payloads []*common.Payload) ([]*common.Payload, error) {
		if s.codec == nil {
			return payloads, nil
		}
		return s.codec.Encode(payloads)
	})
}

// recode answers with payloads in the order of the request. A payload does not say whose
// it is, so the caller must be permitted to read those of every tenant.
func (s *Server) recode(c *fiber.Ctx, with func([]*common.Payload) ([]*common.Payload, error)) error {
	if caller := exchangeOf(c).caller; !caller.EveryTenant && !caller.Anonymous {
		s.metrics.denied.WithLabelValues("tenant").Inc()
		return refuse(codeForeignTenant, "Payloads are of every tenant; the credential is for one.")
	}
	if err := checkParameters(c, nil); err != nil {
		return err
	}
	text, err := readJSON(c, maxCodec)
	if err != nil {
		return err
	}
	var sent common.Payloads
	if err := (protojson.UnmarshalOptions{DiscardUnknown: true}).Unmarshal(text, &sent); err != nil {
		return refuse(codeInvalidRequest, `The body must be Temporal's JSON form of payloads: {"payloads": […]}.`).because(err)
	}
	for _, p := range sent.GetPayloads() {
		if p == nil {
			return refuse(codeInvalidRequest, "A payload is null.")
		}
	}
	recoded, err := with(sent.GetPayloads())
	if err != nil {
		return refuse(codeInvalidRequest, "A payload cannot be decrypted with the server's keys.").because(err)
	}
	answer, err := protojson.Marshal(&common.Payloads{Payloads: recoded})
	if err != nil {
		return err
	}
	c.Set(fiber.HeaderCacheControl, "no-store")
	c.Set(fiber.HeaderContentType, fiber.MIMEApplicationJSON)
	return c.Status(http.StatusOK).Send(answer)
}
