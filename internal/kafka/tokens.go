package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/sasl/oauth"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"orak/internal/secure"
)

const (
	// tokenTries bounds the requests for one token, and tokenFor each of them.
	tokenTries = 3
	tokenFor   = 3 * time.Second
	// maxToken is the longest token, in bytes, that is read from a file.
	maxToken = 64 << 10
)

// tokens provides the tokens of OAUTHBEARER. A token of an endpoint serves all brokers
// until shortly before it expires.
type tokens struct {
	file string
	cfg  clientcredentials.Config
	http *http.Client

	mu   sync.Mutex
	last *oauth2.Token
}

func newTokens(cfg Config) *tokens {
	return &tokens{
		file: cfg.OAuthTokenFile,
		cfg:  clientcredentials.Config{ClientID: cfg.OAuthClientID, ClientSecret: cfg.OAuthClientSecret, TokenURL: cfg.OAuthTokenURL, Scopes: cfg.OAuthScopes},
		// A redirect could send the secret to an unintended server.
		http: &http.Client{Timeout: tokenFor, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}
}

// auth is called for each connection to a broker. An error is a *secure.WrongSetting,
// unless the endpoint cannot be reached.
func (t *tokens) auth(ctx context.Context) (oauth.Auth, error) {
	if t.file != "" {
		token, err := readToken(t.file)
		return oauth.Auth{Token: token}, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last.Valid() {
		return oauth.Auth{Token: t.last.AccessToken}, nil
	}
	token, err := t.fetch(ctx)
	if err != nil {
		return oauth.Auth{}, err
	}
	t.last = token
	return oauth.Auth{Token: token.AccessToken}, nil
}

func readToken(path string) (string, error) {
	text, err := os.ReadFile(path)
	token := strings.TrimSpace(string(text))
	switch {
	case err != nil:
		return "", &secure.WrongSetting{Name: prefix + "oauth-token-file", Reason: "cannot be read", Err: err}
	case token == "" || len(token) > maxToken || strings.ContainsAny(token, " \r\n\x01"):
		return "", &secure.WrongSetting{Name: prefix + "oauth-token-file", Reason: "has no token"}
	}
	return token, nil
}

// fetch asks the endpoint, again if it cannot be reached or fails.
func (t *tokens) fetch(ctx context.Context) (*oauth2.Token, error) {
	ctx = context.WithValue(ctx, oauth2.HTTPClient, t.http)
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 100 * time.Millisecond
	return backoff.Retry(ctx, func() (*oauth2.Token, error) {
		token, err := t.cfg.Token(ctx)
		if wrong := explainToken(err); wrong != nil {
			return nil, backoff.Permanent(wrong)
		}
		if err != nil {
			return nil, fmt.Errorf("fetching a token for Kafka: %w", unquoted(err))
		}
		return token, nil
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(tokenTries))
}

// unquoted replaces the answer of an endpoint, which the text of oauth2's error quotes, by
// its status.
func unquoted(err error) error {
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return err
	}
	return fmt.Errorf("the token endpoint answers with status %d", refused.Response.StatusCode)
}

// explainToken returns a *secure.WrongSetting for a refusal of the endpoint. Its answer is
// not quoted beyond the error code: it may have secrets.
func explainToken(err error) error {
	at := secure.Settings{Prefix: prefix, Address: prefix + "oauth-token-url", Host: prefix + "oauth-token-url", TLS: prefix + "oauth-token-url"}
	if wrong := at.Explain(err); wrong != nil {
		wrong.Name = prefix + "oauth-token-url"
		return wrong
	}
	var refused *oauth2.RetrieveError
	if !errors.As(err, &refused) || refused.Response == nil {
		return nil
	}
	switch status := refused.Response.StatusCode; {
	case passes(status, refused.ErrorCode):
		return nil
	case status == http.StatusUnauthorized || refused.ErrorCode == "invalid_client" || refused.ErrorCode == "unauthorized_client":
		return &secure.WrongSetting{Name: prefix + "oauth-client-secret", Reason: fmt.Sprintf("the token endpoint refuses it, or %soauth-client-id (status %d)", prefix, status)}
	case refused.ErrorCode == "invalid_scope":
		return &secure.WrongSetting{Name: prefix + "oauth-scopes", Reason: "the token endpoint refuses them"}
	default:
		return &secure.WrongSetting{Name: prefix + "oauth-token-url", Reason: fmt.Sprintf("the token endpoint answers with status %d", status)}
	}
}

// passes reports whether an answer may be that of a gateway, or of an endpoint that starts,
// and not a refusal of this client.
func passes(status int, code string) bool {
	switch code {
	case "temporarily_unavailable", "server_error", "slow_down":
		return true
	}
	switch status {
	case http.StatusTooManyRequests, http.StatusRequestTimeout, http.StatusNotFound:
		return true
	case http.StatusForbidden:
		return code == ""
	}
	return status >= http.StatusInternalServerError || status >= http.StatusMultipleChoices && status < http.StatusBadRequest
}
